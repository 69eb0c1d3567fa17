"""`frankpost held`: mail that waits for its account's quota."""

import click

from platform_core.clock import SystemClock
from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import (
    ResellerScope,
    account_option,
    actor,
    platform_scope,
    reseller_option,
    reseller_scope,
)
from relay_worker.holding.jobs import release_all
from relay_worker.holding.queries import HeldMessage, held_mail, holdings
from relay_worker.holding.services import discard_held
from tenants.resellers.queries import reseller_by_id
from tenants.resellers.services import record_audit


@click.group()
def held() -> None:
    """Mail that waits for its account's quota."""


@held.command("list")
@json_option
def list_held(as_json: bool) -> None:
    """Every account that holds mail, the one that has for longest first."""
    with platform_scope() as session:
        rows: list[Row] = [
            {
                "reseller": reseller_by_id(session, one.reseller_id).key,
                "account": one.account_id,
                "recipients": one.recipients,
                "since": one.since,
            }
            for one in holdings(session)
        ]
    show_many(rows, as_json=as_json)


@held.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@reseller_option
@account_option
@json_option
def show(limit: int, reseller_key: str, account_name: str, as_json: bool) -> None:
    """What one account holds: the messages that go first."""
    with reseller_scope(reseller_key) as scope:
        found = held_mail(scope.session, scope.account(account_name).id, most=limit)
    messages = [_row(one) for one in found.messages]
    total: Row = {"recipients": found.recipients, "since": found.since}
    if as_json:
        show_one(total | {"messages": messages}, as_json=True)
        return
    show_one(total, as_json=False)
    click.echo()
    show_many(messages, as_json=False)


@held.command()
@reseller_option
@account_option
@json_option
def release(reseller_key: str, account_name: str, as_json: bool) -> None:
    """Queue what the account's quota covers now. That also happens by itself."""
    with reseller_scope(reseller_key) as scope:
        account_id = scope.account(account_name).id
        settled = release_all(scope.reseller, account_id)
        left = held_mail(scope.session, account_id, most=1).recipients
    say(
        f"{settled} recipients are released; {left} wait for more quota.",
        {"released": settled, "held": left},
        as_json=as_json,
    )


@held.command()
@click.option("--reason", default="Discarded by support.", help="What the customer reads in the history.")
@yes_option("What this account holds is never sent. Go on?")
@reseller_option
@account_option
@json_option
def discard(reason: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """End everything that the account holds, for good."""
    with reseller_scope(reseller_key) as scope:
        discarded = _discarded(scope, account_name, reason)
        record_audit(
            scope.platform, actor(), "held.discard", scope.reseller, account=account_name, reason=reason
        )
    say(f"{discarded} recipients are discarded.", {"discarded": discarded}, as_json=as_json)


def _discarded(scope: ResellerScope, account_name: str, reason: str) -> int:
    account_id, discarded = scope.account(account_name).id, 0
    while some := discard_held(scope.session, account_id, clock=SystemClock(), reason=reason):
        scope.session.commit()
        discarded += some
    return discarded


def _row(one: HeldMessage) -> Row:
    return {
        "message_id": str(one.message_id),
        "held_at": one.held_at,
        "recipients": one.recipients,
        "first_recipient": one.rcpt_to,
        "subject": one.subject,
    }
