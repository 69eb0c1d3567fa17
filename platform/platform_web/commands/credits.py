"""`frankpost credits`: prepaid credits and their ledger."""

import click

from billing.ledger.models import EntryKind, LotOrigin
from billing.ledger.queries import Wanted, entries_of, lots_of, usage_of
from billing.ledger.services import grant_credits
from billing.ledger.transfers import HandedOver, hand_over, take_back
from billing.money import Money
from platform_core.clock import SystemClock
from platform_web.commands.output import Row, json_option, show_many, show_one
from platform_web.commands.scope import MAIN, account_option, reseller_option, reseller_scope


@click.group()
def credits() -> None:
    """Prepaid credits: one for each recipient."""


@credits.command()
@click.argument("number", metavar="CREDITS", type=int)
@click.option("--note", default="", help="A word for the ledger.")
@click.option("--bought", is_flag=True, help="They were paid for, by bank transfer for example.")
@click.option("--cost", type=int, metavar="MINOR", help="What all of them have cost, in minor units (cents).")
@click.option("--currency", default="EUR", show_default=True, help="Of the cost.")
@reseller_option
@account_option
@json_option
def grant(
    number: int,
    note: str,
    bought: bool,
    cost: int | None,
    currency: str,
    reseller_key: str,
    account_name: str,
    as_json: bool,
) -> None:
    """Give an account a lot of credits that lapses in a year."""
    with reseller_scope(reseller_key) as scope:
        granted = grant_credits(
            scope.session,
            scope.account(account_name),
            number,
            clock=SystemClock(),
            note=note,
            origin=LotOrigin.BOUGHT if bought else LotOrigin.GRANTED,
            cost=None if cost is None else Money(cost, currency),
        )
    show_one(
        {"lot_id": granted.lot_id, "credits": granted.credits, "expires_at": granted.expires_at},
        as_json=as_json,
    )


@credits.command("hand-over")
@click.argument("number", metavar="CREDITS", type=int)
@click.option("--to", "customer", required=True, metavar="ID", help="The sub-account that gets them.")
@click.option("--note", default="", help="A word for the ledger.")
@reseller_option
@json_option
def hand_over_(number: int, customer: str, note: str, reseller_key: str, as_json: bool) -> None:
    """Give a customer credits out of the reseller's stock, oldest expiry first, at its price."""
    with reseller_scope(reseller_key) as scope:
        stock, target = scope.account(MAIN), scope.account(customer)
        moved = hand_over(scope.session, stock, target, number, clock=SystemClock(), note=note)
    show_one(_moved(moved), as_json=as_json)


@credits.command("take-back")
@click.argument("number", metavar="CREDITS", type=int)
@click.option("--from", "customer", required=True, metavar="ID", help="The sub-account that has them.")
@click.option("--note", default="", help="A word for the ledger.")
@reseller_option
@json_option
def take_back_(number: int, customer: str, note: str, reseller_key: str, as_json: bool) -> None:
    """Take unspent credits back from a customer, into the lots that they came from."""
    with reseller_scope(reseller_key) as scope:
        source, stock = scope.account(customer), scope.account(MAIN)
        moved = take_back(scope.session, source, stock, number, clock=SystemClock(), note=note)
    show_one(_moved(moved), as_json=as_json)


@credits.command()
@reseller_option
@account_option
@json_option
def lots(reseller_key: str, account_name: str, as_json: bool) -> None:
    """Lots with credits left, the next to lapse first."""
    with reseller_scope(reseller_key) as scope:
        found = lots_of(scope.session, scope.account(account_name).id)
    show_many(
        [
            {
                "id": lot.id,
                "origin": lot.origin,
                "credits": lot.credits,
                "remaining": lot.remaining,
                "acquired_at": lot.acquired_at,
                "expires_at": lot.expires_at,
                "cost": lot.cost.amount,
                "currency": lot.cost.currency,
            }
            for lot in found
        ],
        as_json=as_json,
    )


@credits.command()
@reseller_option
@account_option
@json_option
def balance(reseller_key: str, account_name: str, as_json: bool) -> None:
    """What an account may still send."""
    with reseller_scope(reseller_key) as scope:
        found = scope.account(account_name)
        usage = usage_of(scope.session, found, clock=SystemClock())
    show_one(
        {
            "account_id": found.id,
            "credits_left": usage.credits_left,
            "month": usage.month,
            "used": usage.used,
            "monthly_cap": usage.monthly_cap,
            "plan_quota": usage.plan_quota,
            "plan_left": usage.plan_left,
            "overage_left": usage.overage_left,
        },
        as_json=as_json,
    )


@credits.command()
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in EntryKind]),
    help="Only lines of this kind; may be given more than once.",
)
@reseller_option
@account_option
@json_option
def entries(limit: int, kinds: tuple[str, ...], reseller_key: str, account_name: str, as_json: bool) -> None:
    """The newest lines of the ledger."""
    wanted = Wanted(kinds=frozenset(map(EntryKind, kinds)))
    with reseller_scope(reseller_key) as scope:
        found = entries_of(scope.session, scope.account(account_name).id, limit=limit, wanted=wanted)
    show_many(
        [
            {
                "id": entry.id,
                "at": entry.at,
                "kind": entry.kind,
                "credits": entry.credits,
                "lot_id": entry.lot_id,
                "note": entry.note,
            }
            for entry in found
        ],
        as_json=as_json,
    )


def _moved(moved: HandedOver) -> Row:
    return {
        "credits": moved.credits,
        "price": sum(part.price.amount for part in moved.parts),
        "currency": moved.parts[0].price.currency,
        "parts": [
            {
                "stock_lot": part.stock_lot,
                "customer_lot": part.customer_lot,
                "credits": part.credits,
                "expires_at": part.expires_at,
                "cost": part.cost.amount,
                "cost_currency": part.cost.currency,
            }
            for part in moved.parts
        ],
    }
