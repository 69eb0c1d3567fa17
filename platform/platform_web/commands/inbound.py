"""`frankpost inbound`: mail that came back and was left to people."""

import sys
from base64 import b64encode

import click

from platform_core.ids import ResellerKey
from platform_web.commands.output import Row, json_option, say, show_many, show_one
from platform_web.commands.scope import actor, platform_scope
from relay_worker.inbound.queries import InboundLine, InboundState, inbound_content, inbound_mails
from relay_worker.inbound.services import mark_done, read_again
from tenants.resellers.queries import reseller_by_key


@click.group()
def inbound() -> None:
    """Mail that came back to us: bounces, complaints, letters to the postmaster."""


@inbound.command("list")
@click.option(
    "--state",
    type=click.Choice([state.value for state in InboundState]),
    default=InboundState.NOT_UNDERSTOOD.value,
    show_default=True,
)
@click.option("--reseller", "reseller_key", metavar="KEY", help="Only this reseller's.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
def list_mails(state: str, reseller_key: str | None, limit: int, as_json: bool) -> None:
    """The newest mails; by default those that were not understood."""
    with platform_scope() as session:
        reseller_id = reseller_by_key(session, ResellerKey(reseller_key)).id if reseller_key else None
        found = inbound_mails(session, InboundState(state), reseller_id=reseller_id, limit=limit)
    show_many([_row(line) for line in found], as_json=as_json)


@inbound.command()
@click.argument("inbound_id", metavar="ID", type=int)
@json_option
def show(inbound_id: int, as_json: bool) -> None:
    """Write mail ID to standard output, as it came; with --json in base64."""
    with platform_scope() as session:
        raw = inbound_content(session, inbound_id)
    if as_json:
        show_one({"id": inbound_id, "content": b64encode(raw).decode("ascii")}, as_json=True)
    else:
        sys.stdout.buffer.write(raw)


@inbound.command("read-again")
@click.argument("inbound_id", metavar="ID", type=int)
@json_option
def read_one_again(inbound_id: int, as_json: bool) -> None:
    """Have mail ID read once more, after what kept it from being understood is mended."""
    with platform_scope() as session:
        read_again(session, inbound_id)
    say(f"Mail {inbound_id} will be read again.", {"id": inbound_id, "state": "unread"}, as_json=as_json)


@inbound.command()
@click.argument("inbound_id", metavar="ID", type=int)
@json_option
def done(inbound_id: int, as_json: bool) -> None:
    """Take mail ID off the list: somebody has dealt with it."""
    with platform_scope() as session:
        mark_done(session, inbound_id, actor=actor())
    say(f"Mail {inbound_id} is done.", {"id": inbound_id, "state": "done"}, as_json=as_json)


def _row(line: InboundLine) -> Row:
    return {
        "id": line.id,
        "received_at": line.received_at,
        "kind": line.kind,
        "mail_from": line.mail_from,
        "rcpt_to": line.rcpt_to,
        "client_address": line.client_address,
        "size": line.size,
        "reason": line.reason,
    }
