"""`frankpost price`: what a reseller's customers pay for credits, and what it earns on them."""

import click

from billing.money import Money
from billing.prices.margins import Margin, margins
from billing.prices.queries import price_of
from billing.prices.services import clear_price, set_price
from billing.rentals.margins import IpMargin, ip_margins
from platform_core.clock import SystemClock
from platform_web.commands.output import Row, json_option, say, show_many, show_one
from platform_web.commands.scope import account_option, reseller_option, reseller_scope


@click.group()
def price() -> None:
    """What customers pay for credits; that of `main` is the list price."""


@price.command("set")
@click.argument("per_thousand", metavar="MINOR", type=int)
@click.argument("currency")
@reseller_option
@account_option
@json_option
def set_(per_thousand: int, currency: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Charge MINOR units (cents) of CURRENCY for 1,000 credits from the next hand-over on."""
    with reseller_scope(reseller_key) as scope:
        account = scope.account(account_name)
        set_price(scope.session, account, Money(per_thousand, currency), clock=SystemClock())
    row: Row = {"account_id": account.id, "per_thousand": per_thousand, "currency": currency}
    show_one(row, as_json=as_json)


@price.command()
@reseller_option
@account_option
@json_option
def show(reseller_key: str, account_name: str, as_json: bool) -> None:
    """What 1,000 credits cost an account, and whether that is a price of its own."""
    with reseller_scope(reseller_key) as scope:
        account = scope.account(account_name)
        found = price_of(scope.session, account)
    row: Row = {
        "account_id": account.id,
        "per_thousand": found.per_thousand.amount if found else None,
        "currency": found.per_thousand.currency if found else None,
        "own": bool(found and found.own),
    }
    show_one(row, as_json=as_json)


@price.command()
@reseller_option
@account_option
@json_option
def clear(reseller_key: str, account_name: str, as_json: bool) -> None:
    """Charge the list price again."""
    with reseller_scope(reseller_key) as scope:
        account = scope.account(account_name)
        clear_price(scope.session, account)
    say("The account has no price of its own any more.", {"account_id": account.id}, as_json=as_json)


@price.command("margins")
@reseller_option
@json_option
def margins_(reseller_key: str, as_json: bool) -> None:
    """By customer and month: what was charged for credits, what they have cost, and what remains."""
    with reseller_scope(reseller_key) as scope:
        found = margins(scope.session)
    show_many([_row(one) for one in found], as_json=as_json)


@price.command("ip-margins")
@reseller_option
@json_option
def ip_margins_(reseller_key: str, as_json: bool) -> None:
    """By customer and month: what was paid for dedicated IPs, what they have cost, and what remains, before VAT."""
    with reseller_scope(reseller_key) as scope:
        found = ip_margins(scope.session)
    show_many([_ip_row(one) for one in found], as_json=as_json)


def _ip_row(one: IpMargin) -> Row:
    return {
        "account_id": one.account_id,
        "account": one.account_name,
        "month": one.month,
        "price": one.price.amount,
        "price_currency": one.price.currency,
        "cost": one.cost.amount,
        "cost_currency": one.cost.currency,
        "margin": one.margin.amount if one.margin else None,
    }


def _row(one: Margin) -> Row:
    return {
        "account_id": one.account_id,
        "account": one.account_name,
        "month": one.month,
        "credits": one.credits,
        "price": one.price.amount,
        "price_currency": one.price.currency,
        "cost": one.cost.amount,
        "cost_currency": one.cost.currency,
        "margin": one.margin.amount if one.margin else None,
    }
