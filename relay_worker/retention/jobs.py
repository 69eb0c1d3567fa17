"""Forgetting old mail, partition by partition. Queue: upkeep. May run twice: what is gone is gone."""

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from platform_core.clock import Clock, SystemClock
from platform_core.database import ResellerRef, db
from relay_worker.retention.services import forget, old_partitions, retention_of
from tenants.models import Reseller
from tenants.pending.visits import visit_all
from tenants.resellers.queries import reseller_by_id

CRON = "53 * * * *"  # hourly, so that what was busy or lost is soon looked at again; mostly there is nothing to do
TIMEOUT_SECONDS = 3600

log = structlog.get_logger()


def forget_old_mail() -> None:
    """Every reseller's, each partition in a transaction of its own."""
    visit_all(_forget_at, failed="retention.failed")


def _forget_at(ref: ResellerRef) -> None:
    with Session(db.engine) as session:
        reseller = reseller_by_id(session, ref.id)
    forget_old_mail_of(reseller, SystemClock())


def forget_old_mail_of(reseller: Reseller, clock: Clock) -> list[str]:
    """What was dropped. A partition that can't be is logged, and holds up no other."""
    with Session(db.engine) as session:
        names = old_partitions(session, reseller.ref, retention_of(reseller), clock=clock)
        session.commit()
        return [name for name in names if _forgotten(session, reseller.ref, name)]


def _forgotten(session: Session, reseller: ResellerRef, name: str) -> bool:
    try:
        gone = forget(session, reseller, name)
        session.commit()
    except DBAPIError as error:
        session.rollback()
        log.warning("retention.failed", reseller=reseller.key, partition=name, error=str(error.orig))
        return False
    log.info("retention.dropped" if gone else "retention.in_use", reseller=reseller.key, partition=name)
    return gone
