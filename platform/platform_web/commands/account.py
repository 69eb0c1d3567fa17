"""`frankpost account`: the sending accounts of a reseller."""

from dataclasses import asdict, replace

import click

from platform_web.commands.cap import cap
from platform_web.commands.output import Row, json_option, say, show_many, show_one
from platform_web.commands.scope import reseller_option, reseller_scope
from tenants.accounts.queries import main_account, sub_accounts
from tenants.accounts.services import (
    NewAccount,
    choose_for_mail,
    create_sub_account,
    limit_account,
    mail_choices,
    resume_account,
    suspend_account,
)
from tenants.models import Account, AtQuotaEnd


@click.group()
def account() -> None:
    """Sending accounts: a reseller's own and its customers'."""


account.add_command(cap)


@account.command()
@click.argument("name")
@click.option("--time-zone", default="UTC", show_default=True, help="Whose days and months count.")
@click.option("--cap", "monthly_cap", type=int, help="Most recipients a month; without it there is no cap.")
@click.option(
    "--quota", "plan_quota", type=int, default=0, show_default=True, help="Recipients a month in its plan."
)
@reseller_option
@json_option
def create(
    name: str, time_zone: str, monthly_cap: int | None, plan_quota: int, reseller_key: str, as_json: bool
) -> None:
    """Make a sub-account."""
    with reseller_scope(reseller_key) as scope:
        made = create_sub_account(scope.session, NewAccount(name, time_zone, monthly_cap, plan_quota))
        scope.session.refresh(made)
    show_one(_row(made), as_json=as_json)


@account.command("list")
@reseller_option
@json_option
def list_accounts(reseller_key: str, as_json: bool) -> None:
    """All accounts of a reseller, its own first."""
    with reseller_scope(reseller_key) as scope:
        found = [main_account(scope.session), *sub_accounts(scope.session)]
        show_many([_row(one) for one in found], as_json=as_json)


@account.command()
@click.argument("account_name", metavar="ID")
@reseller_option
@json_option
def show(account_name: str, reseller_key: str, as_json: bool) -> None:
    """One account."""
    with reseller_scope(reseller_key) as scope:
        show_one(_row(scope.account(account_name)), as_json=as_json)


@account.command()
@click.argument("account_name", metavar="ID")
@reseller_option
@json_option
def suspend(account_name: str, reseller_key: str, as_json: bool) -> None:
    """Refuse its mail from the next message on."""
    with reseller_scope(reseller_key) as scope:
        found = scope.account(account_name)
        suspend_account(scope.session, found)
    say(f"{found.name} is suspended.", _row(found), as_json=as_json)


@account.command()
@click.argument("account_name", metavar="ID")
@reseller_option
@json_option
def resume(account_name: str, reseller_key: str, as_json: bool) -> None:
    """Undo a suspension."""
    with reseller_scope(reseller_key) as scope:
        found = scope.account(account_name)
        resume_account(scope.session, found)
    say(f"{found.name} is active.", _row(found), as_json=as_json)


@account.command()
@click.argument("account_name", metavar="ID")
@click.option("--cap", type=int, help="Most recipients a month.")
@click.option("--no-cap", is_flag=True, help="Take the cap away.")
@click.option("--quota", type=int, help="Recipients a month in its plan.")
@reseller_option
@json_option
def limit(
    account_name: str, cap: int | None, no_cap: bool, quota: int | None, reseller_key: str, as_json: bool
) -> None:
    """Set the monthly cap and the plan's quota; what is not given stays."""
    if cap is not None and no_cap:
        raise click.UsageError("Give either --cap or --no-cap.")
    if cap is None and not no_cap and quota is None:
        raise click.UsageError("Give --cap, --no-cap or --quota.")
    with reseller_scope(reseller_key) as scope:
        found = scope.account(account_name)
        limit_account(
            scope.session,
            found,
            monthly_cap=None if no_cap else found.monthly_cap if cap is None else cap,
            plan_quota=found.plan_quota if quota is None else quota,
        )
    show_one(_row(found), as_json=as_json)


@account.command("settings")
@click.argument("account_name", metavar="ID")
@click.option(
    "--at-quota-end",
    type=click.Choice([str(choice) for choice in AtQuotaEnd]),
    help="What becomes of mail that cap, plan and credits don't cover.",
)
@click.option("--held-limit", type=int, help="Most recipients held at once; beyond it mail is refused.")
@click.option(
    "--held-bytes", type=int, help="Most bytes of messages held at once; beyond it mail is refused."
)
@click.option(
    "--keep-bodies/--keep-no-bodies",
    "keep_bodies",
    default=None,
    help="Whether the content of a message stays after its last recipient has ended.",
)
@click.option(
    "--list-unsubscribe/--no-list-unsubscribe",
    default=None,
    help="Whether mail without a List-Unsubscribe of its own gets one that works with one click.",
)
@click.option(
    "--require-tls/--no-require-tls",
    default=None,
    help="Whether mail goes over encrypted connections alone.",
)
@reseller_option
@json_option
def change_settings(account_name: str, reseller_key: str, as_json: bool, **given: str | int | None) -> None:
    """Set what becomes of its mail; what is not given stays. Without options: show it."""
    changes = {name: value for name, value in given.items() if value is not None}
    with reseller_scope(reseller_key) as scope:
        found = scope.account(account_name)
        if "at_quota_end" in changes:
            changes["at_quota_end"] = AtQuotaEnd(str(changes["at_quota_end"]))
        choose_for_mail(scope.session, found, replace(mail_choices(found), **changes))  # type: ignore[arg-type]
        row: Row = {"id": found.id, **asdict(mail_choices(found))}
    show_one(row, as_json=as_json)


def _row(found: Account) -> Row:
    return {
        "id": found.id,
        "kind": found.kind,
        "name": found.name,
        "state": found.state,
        "time_zone": found.time_zone,
        "monthly_cap": found.monthly_cap,
        "plan_quota": found.plan_quota,
        "created_at": found.created_at,
    }
