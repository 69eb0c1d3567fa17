"""`frankpost payment`: what resellers and their customers pay, and the payment service's events."""

from uuid import UUID

import click

from billing.money import Money
from billing.payments.checkout import refund_payment
from billing.payments.connecting import disconnect as disconnect_seller
from billing.payments.events import replay_event
from billing.payments.ip_prices import clear_ip_price, set_ip_price
from billing.payments.orders import ip_orders
from billing.payments.queries import (
    EventView,
    PaymentView,
    event_by_id,
    event_view,
    events,
    payment_by_id,
    payments_of,
    payments_to_look_at,
)
from billing.payments.states import EventState
from billing.payments.till import Till
from billing.rentals.handed_on import cost_of_month
from platform_core.clock import SystemClock
from platform_core.ids import ResellerKey
from platform_core.settings import settings
from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import (
    account_option,
    actor,
    platform_scope,
    reseller_option,
    reseller_scope,
)
from relay_worker.addresses.rented.queries import rented_to
from relay_worker.addresses.rented.services import hand_over_addresses
from tenants.resellers.queries import reseller_by_key


@click.group()
def payment() -> None:
    """Payments from outside, and the payment service's events."""


@payment.command("list")
@click.option("--account", "account_name", metavar="ID", help="Only this account (`main` or an id).")
@click.option("--troubled", is_flag=True, help="Only those that a person has to decide about.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@reseller_option
@json_option
def list_payments(
    account_name: str | None, troubled: bool, limit: int, reseller_key: str, as_json: bool
) -> None:
    """The newest payments of a reseller and its customers."""
    with reseller_scope(reseller_key) as scope:
        account_id = scope.account(account_name).id if account_name else None
        found = (
            payments_to_look_at(scope.session, limit=limit)
            if troubled
            else payments_of(scope.session, account_id, limit=limit)
        )
        show_many([_payment_row(one) for one in found], as_json=as_json)


@payment.command()
@click.argument("payment_id", type=click.UUID)
@reseller_option
@json_option
def show(payment_id: UUID, reseller_key: str, as_json: bool) -> None:
    """One payment, and what became of it."""
    with reseller_scope(reseller_key) as scope:
        found = payment_by_id(scope.session, payment_id)
    detail: Row = {
        "description": found.description,
        "paid_at": found.paid_at,
        "refunded": found.refunded.amount,
        "disputed": found.disputed,
        "taken_back": found.taken_back,
        "missing": found.missing,
        "problem": found.problem,
    }
    show_one(_payment_row(found) | detail, as_json=as_json)


@payment.command()
@click.argument("payment_id", type=click.UUID)
@click.option(
    "--amount", type=click.IntRange(1), metavar="MINOR", help="Minor units; default: all that is left."
)
@yes_option("The money goes back to the buyer. Go on?")
@reseller_option
@json_option
def refund(payment_id: UUID, amount: int | None, reseller_key: str, as_json: bool) -> None:
    """Give money back. What it had bought is taken back when the payment service says that it is done."""
    till = Till.from_settings(settings(), SystemClock())
    with reseller_scope(reseller_key) as scope:
        money = refund_payment(scope.session, payment_id, amount, till=till)
    row: Row = {"payment": str(payment_id), "amount": money.amount, "currency": money.currency}
    say(f"{money.text()} are on their way back.", row, as_json=as_json)


@payment.command("events")
@click.option(
    "--state", type=click.Choice([state.value for state in EventState]), help="Only those in this state."
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@json_option
def list_events(state: str | None, limit: int, as_json: bool) -> None:
    """The payment service's newest events, of all resellers."""
    with platform_scope() as session:
        found = events(session, state=EventState(state) if state else None, limit=limit)
    show_many([_event_row(one) for one in found], as_json=as_json)


@payment.command("event")
@click.argument("event_id")
@json_option
def show_event(event_id: str, as_json: bool) -> None:
    """One event with its body, as it came."""
    with platform_scope() as session:
        found = event_by_id(session, event_id)
        row = _event_row(event_view(found)) | {"payload": found.payload}
    show_one(row, as_json=as_json)


@payment.command()
@click.argument("event_id")
@json_option
def replay(event_id: str, as_json: bool) -> None:
    """Apply an event again; what came of it the first time is not done twice."""
    with platform_scope():
        state = replay_event(event_id, clock=SystemClock())
    say(f"{event_id} is {state}.", {"id": event_id, "state": state.value}, as_json=as_json)


@payment.command()
@yes_option("Customers can't pay this reseller any more. Go on?")
@reseller_option
@json_option
def disconnect(reseller_key: str, as_json: bool) -> None:
    """Sell nothing more through the reseller's own account at the payment service."""
    with platform_scope() as session:
        disconnect_seller(reseller_by_key(session, ResellerKey(reseller_key)).ref)
    say(f"{reseller_key} is disconnected.", {"reseller": reseller_key}, as_json=as_json)


@payment.command("ip-price")
@click.argument("amount", metavar="MINOR", type=click.IntRange(0))
@click.option("--currency", metavar="CODE", help="Default: FRANKPOST_BILLING_CURRENCY.")
@reseller_option
@account_option
@json_option
def ip_price(amount: int, currency: str | None, reseller_key: str, account_name: str, as_json: bool) -> None:
    """What an account pays its reseller for a dedicated IP; of `main`: the list price. 0: none of its own."""
    money = Money(amount, (currency or settings().billing_currency).upper())
    with reseller_scope(reseller_key) as scope:
        found = scope.account(account_name)
        if amount:
            set_ip_price(scope.session, found, money, clock=SystemClock())
        else:
            clear_ip_price(scope.session, found)
        cost = cost_of_month(scope.session, 1)
    row: Row = {
        "account": account_name,
        "amount": amount,
        "currency": money.currency,
        "cost": cost.amount if cost else 0,
        "cost_currency": cost.currency if cost else "",
    }
    words = f"A dedicated IP costs {money.text()}." if amount else "It has no price of its own."
    say(
        f"{words} The reseller pays {cost.text()} a month for it." if cost else words,
        row,
        as_json=as_json,
    )


@payment.command("ip-orders")
@json_option
def list_ip_orders(as_json: bool) -> None:
    """Dedicated IPs that are paid for and wait for their addresses, oldest first."""
    with platform_scope() as session:
        rows: list[Row] = [
            {
                "id": order.id,
                "reseller_id": order.reseller_id,
                "account_id": order.account_id,
                "addresses": order.addresses - len(rented_to(session, order.id)),
                "ordered_at": order.ordered_at,
            }
            for order in ip_orders(session)
        ]
    show_many(rows, as_json=as_json)


@payment.command("fulfil-ip-order")
@click.argument("order_id", metavar="ORDER", type=int)
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@json_option
def fulfil(order_id: int, addresses: tuple[str, ...], as_json: bool) -> None:
    """Hand the addresses that ORDER waits for over: nobody else sends from them until the order ends.

    They come from one of our pools (see `frankpost ip list`), and go back there by themselves.
    """
    with platform_scope() as session:
        pool = hand_over_addresses(session, order_id, addresses, clock=SystemClock(), actor=actor()).name
    row: Row = {"id": order_id, "pool": pool, "addresses": " ".join(addresses)}
    say(f"Order {order_id} is fulfilled; its addresses are in the pool {pool}.", row, as_json=as_json)


def _payment_row(found: PaymentView) -> Row:
    return {
        "id": str(found.id),
        "created_at": found.created_at,
        "account_id": found.account_id,
        "origin": found.origin.value,
        "good": found.good.value,
        "units": found.units,
        "amount": found.price.amount,
        "currency": found.price.currency,
        "state": found.state.value,
        "delivered": found.delivered,
    }


def _event_row(found: EventView) -> Row:
    return {
        "id": found.id,
        "type": found.type,
        "account": found.account,
        "state": found.state.value,
        "happened_at": found.happened_at,
        "attempts": found.attempts,
        "problem": found.problem,
    }
