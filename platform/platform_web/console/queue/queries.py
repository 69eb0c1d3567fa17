"""What waits and who works on it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from redis import Redis, RedisError
from rq import Worker
from rq.worker import BaseWorker
from sqlalchemy import select
from sqlalchemy.orm import Session

from relay_worker.reports.queries import QueueDepth, queue_depths
from tenants.models import Reseller

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WaitingReseller:
    """A reseller with mail in the queue; `age` is how long its oldest recipient has waited."""

    name: str
    key: str
    depth: QueueDepth
    age: timedelta


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One RQ worker as it last reported itself."""

    name: str
    state: str
    queues: tuple[str, ...]
    last_seen: datetime | None
    succeeded: int
    failed: int


def waiting(session: Session, now: datetime) -> list[WaitingReseller]:
    """Every reseller with something in the queue, the one that has waited longest first."""
    depths = queue_depths(session)
    found = session.scalars(select(Reseller).where(Reseller.id.in_([depth.reseller_id for depth in depths])))
    resellers = {reseller.id: reseller for reseller in found}
    return [
        WaitingReseller(
            resellers[depth.reseller_id].name, resellers[depth.reseller_id].key, depth, now - depth.oldest_at
        )
        for depth in depths
        if depth.reseller_id in resellers
    ]


def workers(redis: Redis) -> list[WorkerLine] | None:
    """Every worker that Redis knows, by name; None when Redis does not answer, which stops no mail."""
    try:
        return sorted((_line(worker) for worker in Worker.all(connection=redis)), key=lambda line: line.name)
    except RedisError as error:
        log.warning("workers_unknown", error=type(error).__name__)
        return None


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
