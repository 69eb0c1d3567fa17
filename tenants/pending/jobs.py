"""The job that finds work of which nothing tells. Queue: upkeep. May run twice, at once or late."""

import structlog
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef, db
from tenants.pending.services import find_lost_work
from tenants.pending.visits import visit_all

CRON = "47 * * * *"  # hourly: the database notes all work by itself, and this finds nothing unless that went wrong
TIMEOUT_SECONDS = 1800

log = structlog.get_logger()


def find_lost() -> None:
    """Look into every reseller's schema, each in a transaction of its own."""
    visit_all(_find_lost_at, failed="pending.failed")


def _find_lost_at(reseller: ResellerRef) -> None:
    with Session(db.engine) as session:
        lost = find_lost_work(session, reseller.id)
        session.commit()
    if lost:
        log.warning("pending.found", reseller=reseller.key, kinds=lost)
