"""What waits, what is paused or held, and who works on it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from redis import Redis, RedisError
from rq import Worker
from rq.worker import BaseWorker
from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.ids import ResellerId
from relay_worker.holding.queries import holdings
from relay_worker.queue.figures import AgeDepth, Depth, QueueFigures, queue_figures
from relay_worker.queue.pauses import Pause, active_pauses
from tenants.models import Reseller

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WaitingReseller:
    """A reseller with mail in the queue or held; `age` is how long its oldest recipient has waited in the queue."""

    name: str
    key: str
    depth: Depth
    age: timedelta | None
    held: int


@dataclass(frozen=True, slots=True)
class WaitingLane:
    """A destination with mail in the queue, by its number there; `domain` is one of those it serves."""

    lane: int
    domain: str
    depth: Depth
    age: timedelta


@dataclass(frozen=True, slots=True)
class PauseLine:
    """A pause that lasts, with the name of its reseller, "" when it concerns all."""

    pause: Pause
    reseller: str


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The queue as it was at `taken_at`."""

    taken_at: datetime
    total: Depth
    oldest: timedelta | None
    held: int
    resellers: tuple[WaitingReseller, ...]
    lanes: tuple[WaitingLane, ...]
    ages: tuple[AgeDepth, ...]
    pauses: tuple[PauseLine, ...]


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One RQ worker as it last reported itself."""

    name: str
    state: str
    queues: tuple[str, ...]
    last_seen: datetime | None
    succeeded: int
    failed: int


def queue_page(session: Session, now: datetime) -> QueuePage:
    """All of it. Resellers come with the one that has waited longest first, those that only hold mail last."""
    figures = queue_figures(session)
    held = _held(session)
    names = {one.id: one for one in session.scalars(select(Reseller))}
    oldest = figures.oldest_at
    return QueuePage(
        taken_at=figures.taken_at,
        total=figures.total,
        oldest=None if oldest is None else now - oldest,
        held=sum(held.values()),
        resellers=_resellers(figures, held, names, now),
        lanes=tuple(
            WaitingLane(one.lane, one.domain, one.depth, now - one.oldest_at) for one in figures.lanes
        ),
        ages=figures.ages,
        pauses=tuple(PauseLine(one, _name(names, one)) for one in active_pauses(session)),
    )


def workers(redis: Redis) -> list[WorkerLine] | None:
    """Every worker that Redis knows, by name; None when Redis does not answer, which stops no mail."""
    try:
        return sorted((_line(worker) for worker in Worker.all(connection=redis)), key=lambda line: line.name)
    except RedisError as error:
        log.warning("workers_unknown", error=type(error).__name__)
        return None


def _held(session: Session) -> dict[ResellerId, int]:
    held: dict[ResellerId, int] = {}
    for one in holdings(session):
        held[one.reseller_id] = held.get(one.reseller_id, 0) + one.recipients
    return held


def _resellers(
    figures: QueueFigures, held: dict[ResellerId, int], names: dict[ResellerId, Reseller], now: datetime
) -> tuple[WaitingReseller, ...]:
    queued = {one.reseller_id: one for one in figures.resellers}
    lines = []
    for reseller_id in [*queued, *(one for one in held if one not in queued)]:
        reseller, depth = names.get(reseller_id), queued.get(reseller_id)
        if reseller is not None:
            lines.append(
                WaitingReseller(
                    reseller.name,
                    reseller.key,
                    depth.depth if depth else Depth(0, 0, 0, 0),
                    now - depth.oldest_at if depth else None,
                    held.get(reseller_id, 0),
                )
            )
    return tuple(lines)


def _name(names: dict[ResellerId, Reseller], pause: Pause) -> str:
    reseller = names.get(pause.wanted.reseller_id) if pause.wanted.reseller_id is not None else None
    return reseller.name if reseller else ""


def _line(worker: BaseWorker) -> WorkerLine:
    seen = worker.last_heartbeat
    return WorkerLine(
        name=worker.name,
        state=str(getattr(worker.get_state(), "value", worker.get_state())),
        queues=tuple(worker.queue_names()),
        last_seen=seen.replace(tzinfo=UTC) if seen is not None and seen.tzinfo is None else seen,
        succeeded=worker.successful_job_count,
        failed=worker.failed_job_count,
    )
