"""Making partitions ahead of the mail that goes into them. Queue: upkeep. May run twice: what is there is there."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from platform_core.clock import Clock, SystemClock
from platform_core.database import db
from platform_core.ids import ResellerKey

CRON = "*/5 * * * *"  # a new reseller has what it needs for a day
TIMEOUT_SECONDS = 3600
# The queue's other jobs wait meanwhile. When a month begins, every reseller needs seven partitions, but not for weeks.
TURN_SECONDS = 10.0
URGENT = timedelta(days=1)

_MISSING = text("SELECT key, name, since FROM platform.missing_partitions()")
_MAKE = text("SELECT platform.make_partition(:key, :name)")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Missing:
    """A partition that a reseller has not got yet, and when mail begins to need it."""

    key: ResellerKey
    name: str
    since: datetime


def keep_partitions() -> None:
    """Make what mail of the coming month needs, for every reseller: for as long as a turn lasts, and all that is urgent."""
    with Session(db.engine) as session:
        missing = missing_partitions(session)
    make_partitions(missing, seconds=TURN_SECONDS, clock=SystemClock())


def missing_partitions(session: Session) -> list[Missing]:
    """Of all resellers, those needed first first."""
    return [Missing(ResellerKey(row.key), row.name, row.since) for row in session.execute(_MISSING)]


def make_partitions(missing: list[Missing], *, seconds: float, clock: Clock) -> None:
    """Make them in this order, and only what is urgent once the time is up. Each is a transaction of its own, and a
    reseller who can't be given one is passed over.
    """
    urgent_until, ends = clock.now() + URGENT, time.monotonic() + seconds
    failed: set[ResellerKey] = set()
    with Session(db.engine) as session:
        for one in missing:
            if one.since > urgent_until and time.monotonic() >= ends:
                return
            if one.key not in failed and not _made(session, one):
                failed.add(one.key)


def _made(session: Session, one: Missing) -> bool:
    try:
        session.execute(_MAKE, {"key": one.key, "name": one.name})
        session.commit()
    except DBAPIError as error:
        session.rollback()
        log.warning("partitions.failed", reseller=one.key, partition=one.name, error=str(error.orig))
        return False
    return True
