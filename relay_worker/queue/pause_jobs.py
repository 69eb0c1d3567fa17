"""Bringing back what was paused. Queue: upkeep. May run twice, at once or late: what is still set aside is found again."""

import structlog
from sqlalchemy.orm import Session

from platform_core.database import db
from platform_core.settings import settings
from relay_worker.queue.bell import Bell
from relay_worker.queue.pauses import resume_some

RESUME_SECONDS = 5
# Recipients in one transaction.
AT_ONCE = 5000

log = structlog.get_logger()


def resume_paused() -> None:
    """Put back everything whose pause is over, and ring."""
    resumed = 0
    with Session(db.engine) as session:
        while some := resume_some(session, AT_ONCE):
            session.commit()
            resumed += some
        session.commit()
    if resumed:
        log.info("queue.resumed", recipients=resumed)
        Bell(settings()).ring_now()
