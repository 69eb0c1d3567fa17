"""The job that sends delivery reports. May run twice, or at once, with one effect."""

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_core.settings import settings
from relay_worker.notices.services import send_due_notices

EVERY_SECONDS = 30

log = structlog.get_logger()


def send_notices() -> None:
    """Queue the delivery reports that have come due. Queue: upkeep."""
    patience = timedelta(hours=settings().delivery_expire_hours)
    with Session(db.engine) as session:
        sent = send_due_notices(session, clock=SystemClock(), patience=patience)
    if sent:
        log.info("notices.queued", reports=sent)
