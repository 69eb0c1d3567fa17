"""Entry points of traffic's jobs."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.database import db

CRON = "27 3 * * *"


def forget_old() -> None:
    """Forget lanes that nobody spoke of for a day, and sites learnt a month ago. Queue: upkeep."""
    with Session(db.engine) as session:
        session.execute(text("SELECT relay.forget_traffic()"))
        session.commit()
