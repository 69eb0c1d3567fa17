"""`frankpost credits`: prepaid credits and their ledger."""

import click

from billing.ledger.queries import entries_of, usage_of
from billing.ledger.services import grant_credits
from platform_core.clock import SystemClock
from platform_web.commands.output import json_option, show_many, show_one
from platform_web.commands.scope import account_option, reseller_option, reseller_scope


@click.group()
def credits() -> None:
    """Prepaid credits: one for each recipient."""


@credits.command()
@click.argument("number", metavar="CREDITS", type=int)
@click.option("--note", default="", help="A word for the ledger.")
@reseller_option
@account_option
@json_option
def grant(number: int, note: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Give an account a lot of credits that lapses in a year."""
    with reseller_scope(reseller_key) as scope:
        granted = grant_credits(
            scope.session, scope.account(account_name), number, clock=SystemClock(), note=note
        )
    show_one(
        {"lot_id": granted.lot_id, "credits": granted.credits, "expires_at": granted.expires_at},
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
        },
        as_json=as_json,
    )


@credits.command()
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@reseller_option
@account_option
@json_option
def entries(limit: int, reseller_key: str, account_name: str, as_json: bool) -> None:
    """The newest lines of the ledger."""
    with reseller_scope(reseller_key) as scope:
        found = entries_of(scope.session, scope.account(account_name).id, limit=limit)
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
