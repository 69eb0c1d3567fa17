"""`frankpost account cap`: how much and how fast an account sends, and all customers of a reseller together."""

import click

from billing.caps.queries import Caps, caps_of, customers_used
from billing.caps.services import NewCaps, cap_account, cap_customers
from platform_core.clock import SystemClock
from platform_core.ids import ResellerKey
from platform_web.commands.output import Row, json_option, show_one
from platform_web.commands.scope import actor, reseller_option, reseller_scope
from tenants.resellers.queries import reseller_by_key


@click.group()
def cap() -> None:
    """Caps, which count from the next message."""


@cap.command()
@click.argument("account_name", metavar="ID")
@reseller_option
@json_option
def show(account_name: str, reseller_key: str, as_json: bool) -> None:
    """The caps of an account, and what is used of them."""
    with reseller_scope(reseller_key) as scope:
        account = scope.account(account_name)
        found = caps_of(scope.session, account, clock=SystemClock())
    show_one(_row(account.id, found), as_json=as_json)


@cap.command("set")
@click.argument("account_name", metavar="ID")
@click.option("--monthly", type=int, help="Most recipients a calendar month.")
@click.option("--no-monthly", is_flag=True)
@click.option("--daily", type=int, help="Most recipients a day of the account's time zone.")
@click.option("--no-daily", is_flag=True)
@click.option("--per-minute", type=int, help="Recipients a minute; what comes faster is asked to come again.")
@click.option("--no-per-minute", is_flag=True)
@reseller_option
@json_option
def set_(
    account_name: str,
    monthly: int | None,
    no_monthly: bool,
    daily: int | None,
    no_daily: bool,
    per_minute: int | None,
    no_per_minute: bool,
    reseller_key: str,
    as_json: bool,
) -> None:
    """Set caps of an account; what is not given stays."""
    with reseller_scope(reseller_key) as scope:
        account, clock = scope.account(account_name), SystemClock()
        caps = NewCaps(
            _chosen(monthly, no_monthly, account.monthly_cap),
            _chosen(daily, no_daily, account.daily_cap),
            _chosen(per_minute, no_per_minute, account.minute_rate),
        )
        cap_account(scope.session, account, caps, clock=clock)
        found = caps_of(scope.session, account, clock=clock)
    show_one(_row(account.id, found), as_json=as_json)


@cap.command()
@click.option("--monthly", type=int, help="Most recipients of all together in a calendar month.")
@click.option("--none", "no_cap", is_flag=True, help="Take the cap away.")
@reseller_option
@json_option
def customers(monthly: int | None, no_cap: bool, reseller_key: str, as_json: bool) -> None:
    """Cap what all sub-accounts of a reseller send together; without an option: show it."""
    if monthly is not None and no_cap:
        raise click.UsageError("Give either --monthly or --none.")
    with reseller_scope(reseller_key) as scope:
        reseller = reseller_by_key(scope.platform, ResellerKey(reseller_key))
        if monthly is not None or no_cap:
            cap_customers(scope.platform, reseller, monthly, clock=SystemClock(), actor=actor())
        most = reseller.customers_cap
        scope.platform.commit()
        used = customers_used(scope.session, clock=SystemClock()) if most is not None else None
    row: Row = {"customers_cap": most, "used_this_month": used}
    show_one(row, as_json=as_json)


def _chosen(given: int | None, none: bool, present: int | None) -> int | None:
    """Raises UsageError where both are given."""
    if given is not None and none:
        raise click.UsageError("Give a cap or take it away, not both.")
    return None if none else present if given is None else given


def _row(account_id: int, found: Caps) -> Row:
    return {
        "account_id": account_id,
        "monthly": found.monthly,
        "used_this_month": found.used_this_month,
        "daily": found.daily,
        "used_today": found.used_today,
        "per_minute": found.per_minute,
    }
