"""Entry points of the queue's jobs. All may run twice, late or never: the truth is in Postgres."""

import math
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.database import db
from platform_core.queues import QueueName
from platform_core.settings import settings
from relay_worker.delivery.process import delivery_process
from relay_worker.queue.bell import Bell

log = structlog.get_logger()

SWEEP_QUEUE = QueueName.UPKEEP
SWEEP_SECONDS = 2
POSTED_AFTER = 3  # seconds; workers post what they log within one
PATIENCE_SECONDS = 60  # with a machine that does not come for what was handed over to it
QUIET_SECONDS = 5  # then an account's allotment goes back into its books
ENDED_AT_ONCE = 10
RECORD_AGAIN_SECONDS = 60


def drain() -> None:
    """Deliver what is due until nothing is, or the deadline; then ring again if there is more. Queue: delivery."""
    report = delivery_process().drain()
    if report.ring_again:
        Bell(settings()).ring_now()


def sweep() -> None:
    """Ring when something is due: deferred mail, a lost bell, the claims of a dead worker, mail for another machine; post the results that a
    worker has logged before it died; and end allotments that nobody spends any more. Queue: upkeep.
    """
    with Session(db.engine) as session:
        session.execute(
            text("SELECT relay.post(100, :older, true)"), {"older": timedelta(seconds=POSTED_AFTER)}
        )
        session.commit()
        handed = session.scalar(
            text("SELECT relay.take_back_handed(:patience)"),
            {"patience": timedelta(seconds=PATIENCE_SECONDS)},
        )
        session.commit()
        _end_allotments(session)
        due = session.scalar(text("SELECT relay.anything_due()"))
    if due or handed:
        Bell(settings()).ring_now()


def _end_allotments(session: Session) -> None:
    """A few accounts a transaction: acceptance waits for the accounts that are locked here."""
    query = text("SELECT relay.end_allotments(:before, :most)")
    before = datetime.now(UTC) - timedelta(seconds=QUIET_SECONDS)
    ended = ENDED_AT_ONCE
    while ended == ENDED_AT_ONCE:
        ended = session.scalar(query, {"before": before, "most": ENDED_AT_ONCE}) or 0
        session.commit()


def record_again() -> None:
    """Record results that a reseller's schema could not take when they came, for as long as they grow fewer: what comes
    meanwhile waits behind them. Queue: upkeep.
    """
    with Session(db.engine) as session:
        before, left = math.inf, _record_some(session)
        while 0 < left < before:
            before, left = left, _record_some(session)
    if left:
        log.warning("results.unrecorded", batches=left)


def _record_some(session: Session) -> int:
    left = session.scalar(text("SELECT relay.record_again(100)")) or 0
    session.commit()
    return left
