"""`frankpost queue`: what is on its way, and what staff may do about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.errors import InvalidInput
from platform_core.ids import AccountId, MessageId, ResellerId, ResellerKey
from platform_core.mail.addresses import AddressSyntax, domain_to_ascii
from platform_web.commands.output import Command, Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import actor, platform_scope
from relay_worker.holding.queries import holdings
from relay_worker.queue import tools
from relay_worker.queue.figures import AgeDepth, Depth, LaneDepth, QueueFigures, queue_figures
from relay_worker.queue.pauses import Pause, active_pauses, end_pause, pause
from relay_worker.queue.selection import Selection
from relay_worker.queue.tools import Step, Verb, through_the_queue
from tenants.models import Reseller
from tenants.resellers.queries import reseller_by_key
from tenants.resellers.services import record_audit


@click.group()
def queue() -> None:
    """Mail that is accepted and still has a way to go."""


@queue.command()
@json_option
def show(as_json: bool) -> None:
    """What waits: by reseller, by destination, by age. Counting a long queue is dear, so it may be a minute old."""
    with platform_scope() as session:
        figures = queue_figures(session)
        resellers: list[Row] = _reseller_rows(session, figures)
    lanes: list[Row] = [_lane_row(one) for one in figures.lanes]
    ages: list[Row] = [_age_row(one) for one in figures.ages]
    total: Row = {"taken_at": figures.taken_at, "oldest_at": figures.oldest_at, **_depth(figures.total)}
    if as_json:
        show_one(total | {"resellers": resellers, "lanes": lanes, "ages": ages}, as_json=True)
        return
    show_one(total, as_json=False)
    for rows in resellers, lanes, ages:
        click.echo()
        show_many(rows, as_json=False)


def selection_options(command: Command) -> Command:
    """Adds the options that say which recipients are meant; they arrive as the keywords of `_selected`."""
    for option in reversed(
        (
            click.option("--reseller", "reseller_key", metavar="KEY", help="Of this reseller."),
            click.option("--account", "account_id", metavar="ID", type=int, help="Of this account of it."),
            click.option("--from-domain", metavar="DOMAIN", help="Sent from this domain (header From)."),
            click.option("--to-domain", metavar="DOMAIN", help="To recipients at this domain."),
            click.option("--lane", type=int, help="On this lane, by the number that `queue show` gives."),
        )
    ):
        command = option(command)
    return command


def message_options(command: Command) -> Command:
    """Adds --message and --recipient to those."""
    command = click.option(
        "--recipient", "n", metavar="N", type=int, help="This recipient of the message, from 0."
    )(command)
    return click.option("--message", "message_id", metavar="ID", type=click.UUID, help="Of this message.")(
        command
    )


@queue.command()
@selection_options
@message_options
@json_option
def retry(as_json: bool, **meant: Any) -> None:
    """Try again at once what waits for its next try. What is paused stays paused."""
    with _selected(**meant) as chosen:
        done = _worked(chosen, lambda place: tools.retry_now(chosen.session, chosen.wanted, place))
        _audit(chosen, "queue.retry", done)
    say(f"{done.changed} recipients are due now.", {"due_now": done.changed}, as_json=as_json)


@queue.command()
@selection_options
@message_options
@click.option("--reason", required=True, help="Why; the customer reads it in the message's history.")
@yes_option("What is meant is never sent. Go on?")
@json_option
def drop(reason: str, as_json: bool, **meant: Any) -> None:
    """End what is queued without sending it, for good. What is being sent at this moment is left alone, and what was paid
    for and never tried is given back by the hourly upkeep of the ledger.
    """
    clock = SystemClock()
    with _selected(**meant) as chosen:
        done = _worked(
            chosen, lambda place: tools.drop(chosen.session, chosen.wanted, place, reason=reason, clock=clock)
        )
        _audit(chosen, "queue.drop", done, reason=reason)
    say(
        f"{done.changed} recipients are dropped; {done.in_flight} were being sent and are left.",
        {"dropped": done.changed, "in_flight": done.in_flight},
        as_json=as_json,
    )


@queue.command()
@selection_options
@click.option("--reason", required=True, help="Why, for whoever finds it paused.")
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), help="End by itself after so long.")
@json_option
def hold(reason: str, hours: float | None, as_json: bool, **meant: Any) -> None:
    """Pause what is meant: it is accepted as ever, and waits until `queue release`."""
    clock = SystemClock()
    until = None if hours is None else clock.now() + timedelta(hours=hours)
    with _selected(**meant) as chosen:
        made = pause(chosen.session, chosen.wanted, reason=reason, actor=actor(), clock=clock, until=until)
        row = _pause_row(chosen.session, made)
    show_one(row, as_json=as_json)


@queue.command()
@click.argument("pause_id", metavar="PAUSE", type=int)
@json_option
def release(pause_id: int, as_json: bool) -> None:
    """End a pause; what it held is in the queue again within seconds."""
    with platform_scope() as session:
        row = _pause_row(session, end_pause(session, pause_id, actor=actor(), clock=SystemClock()))
    say(f"Pause {pause_id} is over.", row, as_json=as_json)


@queue.command()
@json_option
def pauses(as_json: bool) -> None:
    """The pauses that last."""
    with platform_scope() as session:
        show_many([_pause_row(session, one) for one in active_pauses(session)], as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What a command line means, and the session to work with."""

    session: Session
    wanted: Selection
    reseller: Reseller | None


@contextmanager
def _selected(
    *,
    reseller_key: str | None,
    account_id: int | None,
    from_domain: str | None,
    to_domain: str | None,
    lane: int | None,
    message_id: UUID | None = None,
    n: int | None = None,
) -> Iterator[_Chosen]:
    """Raises NotFound for a reseller that is none, InvalidInput when nothing is meant."""
    with platform_scope() as session:
        reseller = reseller_by_key(session, ResellerKey(reseller_key)) if reseller_key else None
        wanted = Selection(
            reseller_id=reseller.id if reseller else None,
            account_id=None if account_id is None else AccountId(account_id),
            sender_domain=_domain(from_domain),
            rcpt_domain=_domain(to_domain),
            lane=lane,
            message_id=None if message_id is None else MessageId(message_id),
            n=n,
        )
        yield _Chosen(session, wanted, reseller)


def _domain(given: str | None) -> str | None:
    """As the queue has it. Raises InvalidInput."""
    try:
        return domain_to_ascii(given) if given else None
    except AddressSyntax as error:
        raise InvalidInput("domain", f"{given!r} is no domain.") from error


def _worked(chosen: _Chosen, verb: Verb) -> Step:
    """Go through the whole queue, showing how far it is on standard error; the sum of all steps."""
    scanned = changed = in_flight = 0
    for step in through_the_queue(chosen.session, verb):
        scanned, changed, in_flight = (
            scanned + step.scanned,
            changed + step.changed,
            in_flight + step.in_flight,
        )
        if step.last is not None:
            click.echo(f"looked at {scanned}, changed {changed}", err=True)
    return Step(scanned, changed, in_flight, None)


def _audit(chosen: _Chosen, action: str, done: Step, **detail: str) -> None:
    meant = {
        name: str(value)
        for name, value in zip(Selection.__slots__, chosen.wanted.values(), strict=True)
        if value is not None
    }
    reseller = chosen.reseller.ref if chosen.reseller else None
    record_audit(chosen.session, actor(), action, reseller, recipients=str(done.changed), **meant, **detail)


def _reseller_rows(session: Session, figures: QueueFigures) -> list[Row]:
    keys = {one.id: one.key for one in session.scalars(select(Reseller))}
    held: dict[ResellerId, int] = {}
    for one in holdings(session):
        held[one.reseller_id] = held.get(one.reseller_id, 0) + one.recipients
    queued = {one.reseller_id: one for one in figures.resellers}
    return [
        {
            "reseller": keys.get(reseller_id) or f"#{reseller_id}",
            "oldest_at": queued[reseller_id].oldest_at if reseller_id in queued else None,
            **_depth(queued[reseller_id].depth if reseller_id in queued else Depth(0, 0, 0, 0)),
            "held": held.get(reseller_id, 0),
        }
        for reseller_id in [*queued, *(one for one in held if one not in queued)]
    ]


def _lane_row(one: LaneDepth) -> Row:
    return {"lane": one.lane, "domain": one.domain, "oldest_at": one.oldest_at, **_depth(one.depth)}


def _age_row(one: AgeDepth) -> Row:
    seconds = None if one.below is None else int(one.below.total_seconds())
    return {"younger_than_seconds": seconds, **_depth(one.depth)}


def _depth(depth: Depth) -> Row:
    return {
        "recipients": depth.recipients,
        "ready": depth.ready,
        "waiting": depth.waiting,
        "leased": depth.leased,
        "paused": depth.paused,
    }


def _pause_row(session: Session, one: Pause) -> Row:
    reseller = session.get(Reseller, one.wanted.reseller_id) if one.wanted.reseller_id is not None else None
    until: datetime | None = one.until
    return {
        "id": one.id,
        "reseller": reseller.key if reseller else None,
        "account": one.wanted.account_id,
        "from_domain": one.wanted.sender_domain,
        "to_domain": one.wanted.rcpt_domain,
        "lane": one.wanted.lane,
        "reason": one.reason,
        "paused_by": one.paused_by,
        "paused_at": one.paused_at,
        "until": until,
    }
