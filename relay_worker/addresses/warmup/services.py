"""Verbs on warm-ups: begin, end, and judge what the days came to. The caller commits."""

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from relay_worker.addresses.models import IpAddress, IpWarmup, IpWarmupDay
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.queries import last_used_days
from relay_worker.addresses.states import AddressState
from relay_worker.addresses.warmup.judging import Verdict, judge, next_stage
from relay_worker.addresses.warmup.ladder import FIRST, per_day
from relay_worker.addresses.warmup.queries import warmup_day

# Providers forget an address that is silent: SendGrid warms up again after 30 days.
FORGOTTEN = timedelta(days=30)


def begin_warmup(
    session: Session,
    address: IpAddress,
    *,
    clock: Clock,
    providers: Iterable[Provider] = tuple(Provider),
    stage: int = FIRST,
) -> None:
    """Put the address on the ladder for these providers, at `stage`; where it stands on it already, there anew."""
    today = clock.now().date()
    for provider in providers:
        row = session.get(IpWarmup, (address.id, provider), with_for_update=True)
        if row is None:
            row = IpWarmup(ip_id=address.id, provider=provider, stage=stage)
            session.add(row)
        row.started_on = row.moved_on = today
        row.finished_on = None
        # The first day to judge is this one, when it is over.
        row.judged_on = today - timedelta(days=1)
        _stand_at(session, row, address, stage, today)
    session.flush()


def end_warmup(session: Session, address: IpAddress) -> None:
    """Take the address for warm from now on, whatever it came to."""
    session.execute(delete(IpWarmup).where(IpWarmup.ip_id == address.id))
    session.flush()


def run_warmups(session: Session, *, clock: Clock) -> None:
    """Judge the day before of every warm-up that has not been; step back at once where today is full of blocks.

    May run at any time and as often as wanted: a day moves a warm-up once. Locks the rows that it judges.
    """
    today = clock.now().date()
    used = last_used_days(session)
    rows = session.execute(
        select(IpWarmup, IpAddress)
        .join(IpAddress, IpAddress.id == IpWarmup.ip_id)
        .where(IpAddress.state == AddressState.ACTIVE)
        .order_by(IpWarmup.ip_id, IpWarmup.provider)
        .with_for_update(of=IpWarmup)
    )
    for row, address in rows.all():
        last_used = max(used.get((row.ip_id, row.provider), row.started_on), row.started_on)
        if today - last_used >= FORGOTTEN:
            _begin_again(session, row, address, today)
        elif row.finished_on is None:
            _judge(session, row, address, today)
    session.flush()


def _begin_again(session: Session, row: IpWarmup, address: IpAddress, today: date) -> None:
    row.finished_on = None
    row.started_on = row.moved_on = today
    row.judged_on = today - timedelta(days=1)
    _stand_at(session, row, address, FIRST, today)


def _judge(session: Session, row: IpWarmup, address: IpAddress, today: date) -> None:
    """Yesterday when it is over and unjudged, then today as far as it has come."""
    if row.judged_on < today - timedelta(days=1):
        _apply(session, row, address, today - timedelta(days=1), today)
        row.judged_on = today - timedelta(days=1)
    if row.finished_on is None and row.judged_on < today:
        found = warmup_day(session, row, today)
        if found is not None and found.block_burst:
            # Not at the end of the day only: until then thousands more would run into the block.
            _apply(session, row, address, today, today)
            row.judged_on = today


def _apply(session: Session, row: IpWarmup, address: IpAddress, day: date, today: date) -> None:
    """Move the warm-up as the day says. A day without any mail has no verdict."""
    found = warmup_day(session, row, day)
    if found is None:
        return
    verdict = judge(found, row.stage, address.peak_per_day)
    session.execute(
        update(IpWarmupDay)
        .where(IpWarmupDay.ip_id == row.ip_id, IpWarmupDay.provider == row.provider, IpWarmupDay.day == day)
        .values(verdict=verdict)
    )
    if verdict is Verdict.FINISHED:
        row.finished_on = row.moved_on = today
    elif (stage := next_stage(row.stage, verdict)) != row.stage:
        row.moved_on = today
        _stand_at(session, row, address, stage, today)


def _stand_at(session: Session, row: IpWarmup, address: IpAddress, stage: int, today: date) -> None:
    """From now on; the day's till too, where workers have opened it already."""
    row.stage, row.per_day = stage, per_day(stage, address.peak_per_day)
    session.execute(
        update(IpWarmupDay)
        .where(IpWarmupDay.ip_id == row.ip_id, IpWarmupDay.provider == row.provider, IpWarmupDay.day == today)
        .values(stage=row.stage, per_day=row.per_day)
    )
