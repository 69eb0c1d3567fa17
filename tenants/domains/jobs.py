"""Rechecking sending domains in the background. Both jobs may run twice, or at once, with one effect.

They need an application context, which the process that runs them provides. Cron calls `enqueue_rechecks` every hour.
"""

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import db, tenant_session
from platform_core.ids import ResellerId
from platform_core.queues import QueueName, queue_named, redis_connection
from platform_core.settings import settings
from tenants.domains.checking import check_domains
from tenants.domains.queries import due_for_check
from tenants.domains.reader import RecordReader
from tenants.models import Reseller, State
from tenants.resellers.queries import reseller_by_id
from tenants.resellers.signing_check import check_signing_domain

QUEUE = QueueName.UPKEEP
TIMEOUT_SECONDS = 600
WAIT_SECONDS = 3600  # by then the next hour's job has come
CRON = "17 * * * *"  # hourly, off the full hour, when everybody asks the nameservers

AT_ONCE = 20  # domains; some ten questions each
MOST_ROUNDS = 20  # of one job; what is left over is the oldest in the next one. 20 s each when DNS is silent

log = structlog.get_logger()


def enqueue_rechecks() -> None:
    """Enqueue a job for each active reseller, so that one with many domains doesn't keep the others waiting."""
    with Session(db.engine) as session:
        active = list(session.scalars(select(Reseller.id).where(Reseller.state == State.ACTIVE)))
    with redis_connection(settings()) as connection:
        queue = queue_named(QUEUE, connection)
        for reseller_id in active:
            queue.enqueue(
                recheck_domains, reseller_id, job_timeout=TIMEOUT_SECONDS, ttl=WAIT_SECONDS, result_ttl=0
            )


def recheck_domains(reseller_id: ResellerId) -> None:
    """Look at every domain of a reseller that is due, and at the one it signs with itself."""
    with Session(db.engine) as session:
        reseller = reseller_by_id(session, reseller_id).ref
    reader, clock = RecordReader.from_settings(settings()), SystemClock()
    check_signing_domain(reseller, reader=reader, clock=clock)
    for _ in range(MOST_ROUNDS):
        with tenant_session(reseller) as session:
            due = due_for_check(session, clock.now(), limit=AT_ONCE)
        if not due:
            return
        checked = check_domains(reseller, due, reader=reader, clock=clock)
        log.info("domains_rechecked", reseller=reseller.key, domains=checked)
