"""`frankpost suppression`: addresses that an account no longer sends to."""

import click

from platform_core.clock import SystemClock
from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import account_option, reseller_option, reseller_scope
from relay_worker.models import Suppression
from relay_worker.suppressions.queries import suppressions_of
from relay_worker.suppressions.services import lift_suppression, suppress


@click.group()
def suppression() -> None:
    """Addresses that an account no longer sends to."""


@suppression.command()
@click.argument("address")
@reseller_option
@account_option
@json_option
def add(address: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Send nothing more to ADDRESS."""
    with reseller_scope(reseller_key) as scope:
        account_id = scope.account(account_name).id
        added = suppress(scope.session, account_id, address, clock=SystemClock(), origin="command line")
    show_one(_row(added), as_json=as_json)


@suppression.command("list")
@click.option("--containing", default="", metavar="TEXT", help="Only addresses with TEXT in them.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@reseller_option
@account_option
@json_option
def list_suppressions(
    containing: str, limit: int, reseller_key: str, account_name: str, as_json: bool
) -> None:
    """The newest suppressions."""
    with reseller_scope(reseller_key) as scope:
        account_id = scope.account(account_name).id
        found = suppressions_of(scope.session, account_id, containing=containing, limit=limit)
        show_many([_row(one) for one in found], as_json=as_json)


@suppression.command()
@click.argument("address")
@yes_option("The account sends to this address again. Go on?")
@reseller_option
@account_option
@json_option
def remove(address: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Send to ADDRESS again."""
    with reseller_scope(reseller_key) as scope:
        lift_suppression(scope.session, scope.account(account_name).id, address)
    say(f"{address} is no longer suppressed.", {"address": address, "removed": True}, as_json=as_json)


def _row(found: Suppression) -> Row:
    return {
        "address": found.address,
        "reason": found.reason,
        "origin": found.origin,
        "created_at": found.created_at,
    }
