"""Reads of warm-ups: one day to be judged, and the progress that people see."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay_worker.addresses.models import IpResult, IpWarmup, IpWarmupDay
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.queries import tally_of
from relay_worker.addresses.tally import Tally
from relay_worker.addresses.warmup.judging import Verdict, WarmupDay
from relay_worker.addresses.warmup.ladder import LAST

STALLED = timedelta(days=10)  # without a step: SparkPost takes an address off the ladder then; we say so
DAYS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class DayProgress:
    """One day of a warm-up: what was allowed, what was taken of it, and what it came to (None: not over, or no mail)."""

    day: date
    stage: int
    per_day: int
    taken: int
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class WarmupProgress:
    """Where an address stands for one provider. `days`: the last 30 on which it sent, oldest first."""

    ip_id: int
    provider: Provider
    stage: int
    stages: int
    per_day: int
    taken_today: int
    started_on: date
    finished_on: date | None
    stalled: bool
    days: tuple[DayProgress, ...]

    @property
    def finished(self) -> bool:
        return self.finished_on is not None

    @property
    def share(self) -> float:
        """How far up the ladder, 0 to 1."""
        return 1.0 if self.finished else (self.stage - 1) / self.stages


def warmup_day(session: Session, warmup: IpWarmup, day: date) -> WarmupDay | None:
    """What a day of a warm-up came to; None when nothing was sent."""
    till = session.get(IpWarmupDay, (warmup.ip_id, warmup.provider, day), populate_existing=True)
    begin = datetime.combine(day, time(), UTC)
    hours = session.scalars(
        select(IpResult).where(
            IpResult.ip_id == warmup.ip_id,
            IpResult.provider == warmup.provider,
            IpResult.hour >= begin,
            IpResult.hour < begin + timedelta(days=1),
        )
    )
    tallies = tuple(tally_of(hour) for hour in hours)
    if till is None or not tallies:
        return None
    return WarmupDay(till.per_day, sum(tallies, Tally()), tallies)


def warmups_of(session: Session, ip_ids: list[int], now: datetime) -> dict[int, tuple[WarmupProgress, ...]]:
    """The progress of these addresses, by provider."""
    days = _days(session, ip_ids, now.date() - timedelta(days=DAYS_SHOWN))
    found: dict[int, list[WarmupProgress]] = defaultdict(list)
    for row in session.scalars(select(IpWarmup).where(IpWarmup.ip_id.in_(ip_ids))):
        found[row.ip_id].append(_progress(row, days.get((row.ip_id, row.provider), []), now.date()))
    order = list(Provider)
    return {
        ip_id: tuple(sorted(each, key=lambda one: order.index(one.provider))) for ip_id, each in found.items()
    }


def _days(session: Session, ip_ids: list[int], since: date) -> dict[tuple[int, str], list[DayProgress]]:
    rows = session.scalars(
        select(IpWarmupDay)
        .where(IpWarmupDay.ip_id.in_(ip_ids), IpWarmupDay.day > since)
        .order_by(IpWarmupDay.day)
    )
    found = defaultdict(list)
    for row in rows:
        verdict = Verdict(row.verdict) if row.verdict else None
        found[row.ip_id, row.provider].append(
            DayProgress(row.day, row.stage, row.per_day, row.taken, verdict)
        )
    return found


def _progress(row: IpWarmup, days: list[DayProgress], today: date) -> WarmupProgress:
    return WarmupProgress(
        ip_id=row.ip_id,
        provider=Provider(row.provider),
        stage=row.stage,
        stages=LAST,
        per_day=row.per_day,
        taken_today=next((day.taken for day in days if day.day == today), 0),
        started_on=row.started_on,
        finished_on=row.finished_on,
        stalled=row.finished_on is None and today - row.moved_on >= STALLED,
        days=tuple(days),
    )
