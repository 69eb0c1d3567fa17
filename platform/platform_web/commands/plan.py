"""`frankpost plan`: plans that are offered, and the plans that accounts have.

With --reseller the catalogue is the reseller's for its customers, without it the platform's for resellers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from billing.money import Money
from billing.plans.books import PlanChange
from billing.plans.catalogue import (
    Limits,
    NewPlan,
    Overage,
    Plan,
    all_plans,
    create_plan,
    edit_plan,
    plan_by_id,
    retire_plan,
)
from billing.plans.overage import OverageState
from billing.plans.queries import current_plan, room_of
from billing.plans.renewals import pay_due, renew_due
from billing.plans.services import cancel_plan, change_plan, start_trial, subscribe, upgrade_now
from platform_core.clock import SystemClock
from platform_web.commands.output import Command, Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import account_option, platform_scope, reseller_option, reseller_scope

UNLIMITED = -1


@click.group()
def plan() -> None:
    """Monthly plans: what is offered, and who has which."""


# --- the catalogue ---


def _seller_option(command: Command) -> Command:
    return click.option(
        "--reseller",
        "seller_key",
        metavar="KEY",
        help="Whose plans; without it the platform's, for resellers.",
    )(command)


def _limit_options(command: Command) -> Command:
    for name in ("dedicated-ips", "api-keys", "domains", "smtp-accounts"):
        command = click.option(
            f"--{name}", type=int, help=f"Most {name.replace('-', ' ')}; {UNLIMITED}: any."
        )(command)
    return command


def _overage_options(command: Command) -> Command:
    command = click.option(
        "--overage-limit", type=int, help=f"Most of them in a period; {UNLIMITED}: as many as come."
    )(command)
    return click.option(
        "--overage-price",
        type=int,
        help="Minor units for 1,000 e-mails beyond those included; 0: none may be sent.",
    )(command)


@contextmanager
def _catalogue(seller_key: str | None) -> Iterator[Session]:
    if seller_key is None:
        with platform_scope() as session:
            yield session
    else:
        with reseller_scope(seller_key) as scope:
            yield scope.session


@plan.command()
@click.argument("name")
@click.argument("price", metavar="MINOR", type=int)
@click.argument("currency")
@click.option("--included", type=int, default=0, show_default=True, help="Recipients in a period.")
@click.option("--trial-days", type=int, default=0, show_default=True, help="0: it can't be tried.")
@_overage_options
@_limit_options
@_seller_option
@json_option
def create(
    name: str,
    price: int,
    currency: str,
    included: int,
    trial_days: int,
    overage_price: int | None,
    overage_limit: int | None,
    seller_key: str | None,
    as_json: bool,
    **limits: int | None,
) -> None:
    """Offer a plan for MINOR units (cents) of CURRENCY a month."""
    overage = _overage(None, overage_price, overage_limit)
    new = NewPlan(name, Money(price, currency), included, trial_days, _limits(Limits(), limits), overage)
    with _catalogue(seller_key) as session:
        made = create_plan(session, new)
    show_one(_row(made), as_json=as_json)


@plan.command()
@click.argument("plan_id", metavar="PLAN", type=int)
@click.option("--name", help="What it is called.")
@click.option("--price", type=int, help="Minor units (cents) a month.")
@click.option("--included", type=int, help="Recipients in a period.")
@click.option("--trial-days", type=int, help="0: it can't be tried.")
@_overage_options
@_limit_options
@_seller_option
@json_option
def edit(
    plan_id: int,
    name: str | None,
    price: int | None,
    included: int | None,
    trial_days: int | None,
    overage_price: int | None,
    overage_limit: int | None,
    seller_key: str | None,
    as_json: bool,
    **limits: int | None,
) -> None:
    """Change a plan; what is not given stays. Those who have it get it so with their next period."""
    with _catalogue(seller_key) as session:
        old = plan_by_id(session, plan_id)
        new = NewPlan(
            old.name if name is None else name,
            old.price if price is None else Money(price, old.price.currency),
            old.included if included is None else included,
            old.trial_days if trial_days is None else trial_days,
            _limits(old.limits, limits),
            _overage(old.overage, overage_price, overage_limit),
        )
        changed = edit_plan(session, plan_id, new)
    show_one(_row(changed), as_json=as_json)


@plan.command("list")
@click.option("--all", "retired", is_flag=True, help="Also those that are no longer offered.")
@_seller_option
@json_option
def list_plans(retired: bool, seller_key: str | None, as_json: bool) -> None:
    """The plans that are offered."""
    with _catalogue(seller_key) as session:
        found = all_plans(session, retired=retired)
    show_many([_row(one) for one in found], as_json=as_json)


@plan.command()
@click.argument("plan_id", metavar="PLAN", type=int)
@_seller_option
@yes_option("The plan is offered to nobody any more; those who have it keep it. Go on?")
@json_option
def retire(plan_id: int, seller_key: str | None, as_json: bool) -> None:
    """Offer a plan no longer; those who have it keep it."""
    with _catalogue(seller_key) as session:
        found = retire_plan(session, plan_id)
    say(f"{found.name} is no longer offered.", _row(found), as_json=as_json)


# --- the plan of an account ---


@plan.command("subscribe")
@click.argument("plan_id", metavar="PLAN", type=int)
@click.option("--trial", is_flag=True, help="Begin with the plan's trial.")
@click.option("--paid", is_flag=True, help="The first period is paid otherwise; leave the wallet alone.")
@reseller_option
@account_option
@json_option
def subscribe_(
    plan_id: int, trial: bool, paid: bool, reseller_key: str, account_name: str, as_json: bool
) -> None:
    """Begin a plan for an account, charged to its wallet; `main` takes the platform's plans, others the reseller's."""
    if trial and paid:
        raise click.UsageError("Give either --trial or --paid.")
    with reseller_scope(reseller_key) as scope:
        account, clock = scope.account(account_name), SystemClock()
        change = (
            start_trial(scope.session, account, plan_id, clock=clock)
            if trial
            else subscribe(scope.session, account, plan_id, clock=clock, paid=paid)
        )
    show_one(_change_row(change), as_json=as_json)


@plan.command("change")
@click.argument("plan_id", metavar="PLAN", type=int)
@click.option("--now", "at_once", is_flag=True, help="At once, for the difference in price; only upwards.")
@reseller_option
@account_option
@json_option
def change_(plan_id: int, at_once: bool, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Let another plan follow at the end of the period; the present one takes a change or a cancel back."""
    with reseller_scope(reseller_key) as scope:
        account = scope.account(account_name)
        change = (
            upgrade_now(scope.session, account, plan_id, clock=SystemClock())
            if at_once
            else change_plan(scope.session, account, plan_id)
        )
    show_one(_change_row(change), as_json=as_json)


@plan.command()
@reseller_option
@account_option
@json_option
def cancel(reseller_key: str, account_name: str, as_json: bool) -> None:
    """Let a plan end with its period."""
    with reseller_scope(reseller_key) as scope:
        change = cancel_plan(scope.session, scope.account(account_name))
    say(f"The plan ends at {change.period.end:%Y-%m-%d %H:%M} UTC.", _change_row(change), as_json=as_json)


@plan.command()
@reseller_option
@account_option
@json_option
def renew(reseller_key: str, account_name: str, as_json: bool) -> None:
    """Bring a plan up to now: begin and charge for what is due. The clock does the same every quarter of an hour."""
    with reseller_scope(reseller_key) as scope:
        change = renew_due(scope.session, scope.account(account_name), clock=SystemClock())
    show_one(_change_row(change), as_json=as_json)


@plan.command()
@reseller_option
@account_option
@json_option
def pay(reseller_key: str, account_name: str, as_json: bool) -> None:
    """Pay what is due out of the wallet, and lift past due and suspension."""
    with reseller_scope(reseller_key) as scope:
        change = pay_due(scope.session, scope.account(account_name), clock=SystemClock())
    show_one(_change_row(change), as_json=as_json)


@plan.command()
@reseller_option
@account_option
@json_option
def show(reseller_key: str, account_name: str, as_json: bool) -> None:
    """The plan of an account: status, period, what is used of it, and its limits."""
    with reseller_scope(reseller_key) as scope:
        account = scope.account(account_name)
        found = current_plan(scope.session, account, clock=SystemClock())
        rooms = room_of(scope.session, account)
    row: Row = {"account_id": account.id, "plan": found.name if found else None}
    if found:
        row |= {
            "plan_id": found.plan_id,
            "status": found.status,
            "price": found.price.amount,
            "currency": found.price.currency,
            "period_start": found.period_start,
            "period_end": found.period_end,
            "included": found.included,
            "used": found.used,
            "paid": found.paid,
            "next_plan_id": found.next_plan_id,
            "expires_at": found.expires_at,
        }
        row |= _overage_row(found.overage)
    for room in rooms:
        name = room.limit.name.lower()
        row |= {name: room.used, f"most_{name}": room.most}
    show_one(row, as_json=as_json)


def _limits(old: Limits, given: dict[str, int | None]) -> Limits:
    """What is not given stays."""
    values = {
        name: getattr(old, name) if value is None else None if value == UNLIMITED else value
        for name, value in given.items()
    }
    return Limits(**values)


def _overage(old: Overage | None, price: int | None, limit: int | None) -> Overage | None:
    """What is not given stays."""
    if price is None and old is None:
        if limit is not None:
            raise click.UsageError("A limit of overage needs --overage-price.")
        return None
    if price == 0:
        return None
    most = (old.limit if old else None) if limit is None else None if limit == UNLIMITED else limit
    return Overage(price if price is not None else old.per_thousand if old else 0, most)


def _overage_row(found: OverageState | None) -> Row:
    """What an account has sent beyond its plan, and what that comes to."""
    return {
        "overage": found.count if found else 0,
        "overage_cost": found.cost.amount if found else 0,
        "overage_price": found.per_thousand.amount if found else None,
        "overage_limit": found.limit if found else None,
    }


def _row(found: Plan) -> Row:
    return {
        "id": found.id,
        "name": found.name,
        "price": found.price.amount,
        "currency": found.price.currency,
        "included": found.included,
        "trial_days": found.trial_days,
        "smtp_accounts": found.limits.smtp_accounts,
        "domains": found.limits.domains,
        "api_keys": found.limits.api_keys,
        "dedicated_ips": found.limits.dedicated_ips,
        "overage_price": found.overage.per_thousand if found.overage else None,
        "overage_limit": found.overage.limit if found.overage else None,
        "retired": found.retired,
    }


def _change_row(change: PlanChange) -> Row:
    return {
        "status": change.status,
        "period_start": change.period.start,
        "period_end": change.period.end,
        "charged": change.charged.amount if change.charged else 0,
    }
