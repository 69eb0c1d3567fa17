"""The job that sends delivery reports. May run twice, or at once, with one effect."""

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db
from platform_core.settings import settings
from relay_worker.notices.services import send_due_notices
from tenants.pending.kinds import Work
from tenants.pending.visits import visit_active_pending

EVERY_SECONDS = 30

log = structlog.get_logger()


def send_notices() -> None:
    """Queue the delivery reports that have come due, of resellers whose senders wait for some. Queue: upkeep."""
    visit_active_pending(Work.NOTICES, _send_notices_of, failed="notices.failed")


def _send_notices_of(reseller: ResellerRef) -> None:
    patience = timedelta(hours=settings().delivery_expire_hours)
    with Session(db.engine) as session:
        sent = send_due_notices(session, reseller, clock=SystemClock(), patience=patience)
    if sent:
        log.info("notices.queued", reseller=reseller.key, reports=sent)
