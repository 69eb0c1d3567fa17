"""`frankpost suppression`: addresses that an account no longer sends to."""

from typing import BinaryIO, TextIO

import click

from platform_core.clock import SystemClock
from platform_core.mail.states import SuppressionReason
from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import account_option, reseller_option, reseller_scope
from relay_worker.models import Suppression
from relay_worker.suppressions.lists import MAX_BYTES, read_list, write_list
from relay_worker.suppressions.queries import Wanted, every_suppression, suppressions_of
from relay_worker.suppressions.services import lift_suppression, suppress, suppress_all

ORIGIN = "command line"

_reason_option = click.option(
    "--reason",
    type=click.Choice([reason.value for reason in SuppressionReason]),
    help="Only those suppressed for this.",
)
_containing_option = click.option(
    "--containing", default="", metavar="TEXT", help="Only addresses with TEXT in them."
)


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
        added = suppress(scope.session, account_id, address, clock=SystemClock(), origin=ORIGIN)
    show_one(_row(added), as_json=as_json)


@suppression.command("list")
@_containing_option
@_reason_option
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@reseller_option
@account_option
@json_option
def list_suppressions(
    containing: str, reason: str | None, limit: int, reseller_key: str, account_name: str, as_json: bool
) -> None:
    """The newest suppressions."""
    with reseller_scope(reseller_key) as scope:
        account_id = scope.account(account_name).id
        found = suppressions_of(scope.session, account_id, _wanted(containing, reason), limit=limit)
        show_many([_row(one) for one in found.lines], as_json=as_json)


@suppression.command()
@click.argument("address")
@yes_option("The account sends to this address again; after a complaint that may cost its reputation. Go on?")
@reseller_option
@account_option
@json_option
def remove(address: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Send to ADDRESS again."""
    with reseller_scope(reseller_key) as scope:
        lift_suppression(scope.session, scope.account(account_name).id, address)
    say(f"{address} is no longer suppressed.", {"address": address, "removed": True}, as_json=as_json)


@suppression.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--skip-bad", is_flag=True, help="Import the other lines when some can't be taken.")
@reseller_option
@account_option
@json_option
def import_list(file: BinaryIO, skip_bad: bool, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Suppress every address of FILE (`address[,reason]` a line; `-` for standard input).

    All of them or none: bad lines are named, and nothing is imported.
    """
    lines, bad = read_list(file.read(MAX_BYTES + 1), skip_bad=skip_bad)
    with reseller_scope(reseller_key) as scope:
        account_id = scope.account(account_name).id
        added = suppress_all(scope.session, account_id, lines, clock=SystemClock(), origin=ORIGIN)
    for one in bad:
        click.echo(f"Skipped {one}.", err=True)
    known = len(lines) - added
    say(
        f"{added} addresses are suppressed from now on; {known} were already.",
        {"added": added, "known": known, "skipped": len(bad)},
        as_json=as_json,
    )


@suppression.command("export")
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
@_containing_option
@_reason_option
@reseller_option
@account_option
@json_option
def export_list(
    file: TextIO, containing: str, reason: str | None, reseller_key: str, account_name: str, as_json: bool
) -> None:
    """Write all suppressions to FILE, or to standard output, as CSV that `import` reads.

    With --json they are printed instead.
    """
    with reseller_scope(reseller_key) as scope:
        account_id = scope.account(account_name).id
        found = every_suppression(scope.session, account_id, _wanted(containing, reason))
        if as_json:
            show_many([_row(one) for one in found], as_json=True)
        else:
            file.writelines(write_list(found))


def _wanted(containing: str, reason: str | None) -> Wanted:
    return Wanted(containing, SuppressionReason(reason) if reason else None)


def _row(found: Suppression) -> Row:
    return {
        "address": found.address,
        "reason": found.reason,
        "origin": found.origin,
        "created_at": found.created_at,
    }
