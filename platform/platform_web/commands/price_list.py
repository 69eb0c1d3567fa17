"""`frankpost price-list`: what the platform asks of resellers."""

import click
from sqlalchemy.orm import Session

from billing.money import Money
from billing.payments.price_list import PriceLine, price_lines, remove_price_line, set_price_line
from billing.payments.purchases import Good
from platform_core.database import ResellerRef
from platform_core.ids import ResellerKey
from platform_core.settings import settings
from platform_web.commands.output import Command, Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import platform_scope
from tenants.resellers.queries import reseller_by_key

_GOODS = {
    "credits": Good.CREDITS,
    "dedicated-ip": Good.DEDICATED_IP,
    "handed-on-ip": Good.HANDED_ON_IP,
}


@click.group("price-list")
def price_list() -> None:
    """The platform's price list: 1,000 credits, or one dedicated IP a month, in minor currency units.

    `handed-on-ip`: one that a reseller hands on to a customer; without a line it costs the reseller nothing.
    """


def _line_options(command: Command) -> Command:
    for option in (
        click.option("--reseller", "reseller_key", metavar="KEY", help="For this reseller alone."),
        click.option("--currency", metavar="CODE", help="Default: FRANKPOST_BILLING_CURRENCY."),
        click.option("--from", "from_units", type=click.IntRange(1), default=1, help="For so many and more."),
        click.argument("good", type=click.Choice(list(_GOODS))),
    ):
        command = option(command)
    return command


@price_list.command("set")
@_line_options
@click.argument("amount", type=click.IntRange(1))
@json_option
def set_line(
    good: str, amount: int, from_units: int, currency: str | None, reseller_key: str | None, as_json: bool
) -> None:
    """Ask AMOUNT minor units for 1,000 credits, or for one dedicated IP a month."""
    line = PriceLine(_GOODS[good], from_units, Money(amount, _currency(currency)), own=bool(reseller_key))
    with platform_scope() as session:
        set_price_line(session, _reseller(session, reseller_key), line)
    show_one(_row(line), as_json=as_json)


@price_list.command("remove")
@_line_options
@yes_option("The line goes off the list. Go on?")
@json_option
def remove_line(
    good: str, from_units: int, currency: str | None, reseller_key: str | None, as_json: bool
) -> None:
    """Take a line off the list."""
    line = PriceLine(_GOODS[good], from_units, Money(1, _currency(currency)))
    with platform_scope() as session:
        remove_price_line(session, _reseller(session, reseller_key), line)
    say("The line is off the list.", {"good": good, "from_units": from_units}, as_json=as_json)


@price_list.command("list")
@click.option("--reseller", "reseller_key", metavar="KEY", help="What this reseller pays.")
@click.option("--currency", metavar="CODE", help="Default: FRANKPOST_BILLING_CURRENCY.")
@json_option
def list_lines(currency: str | None, reseller_key: str | None, as_json: bool) -> None:
    """The lines that hold for everybody, or for one reseller."""
    with platform_scope() as session:
        reseller = _reseller(session, reseller_key)
        lines = [
            line for good in _GOODS.values() for line in price_lines(reseller, good, _currency(currency))
        ]
    show_many([_row(line) for line in lines], as_json=as_json)


def _currency(given: str | None) -> str:
    return (given or settings().billing_currency).upper()


def _reseller(session: Session, key: str | None) -> ResellerRef | None:
    return reseller_by_key(session, ResellerKey(key)).ref if key else None


def _row(line: PriceLine) -> Row:
    return {
        "good": line.good.value,
        "from_units": line.from_units,
        "amount": line.amount.amount,
        "currency": line.amount.currency,
        "own": line.own,
    }
