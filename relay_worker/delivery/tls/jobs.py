"""Entry points of transport security's jobs."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import db

CRON = "17 3 * * *"
KEPT_FOR = timedelta(days=30)  # counts; a report is made of the day before


def forget_old() -> None:
    """Forget old counts of sessions, and policies that no longer hold. Queue: upkeep."""
    before = (SystemClock().now() - KEPT_FOR).date()
    with Session(db.engine) as session:
        session.execute(text("SELECT relay.forget_tls(:before)"), {"before": before})
        session.commit()
