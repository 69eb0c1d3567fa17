"""Entry points of the jobs for mail that came back. All may run twice, late or never: the mail is in Postgres."""

import time
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_core.settings import settings
from relay_worker.inbound.marks import Marks
from relay_worker.inbound.services import read_and_apply, take_unread

SWEEP_SECONDS = 5
FORGET_CRON = "29 3 * * *"
_ONE_RUN = 60.0  # seconds, well within the job's timeout; what is left the next sweep reads


def read() -> None:
    """Read what came back and do what it says, until nothing is left or a minute is over. Queue: upkeep."""
    marks = Marks.from_secret(settings().secret_key.get_secret_value())
    until = time.monotonic() + _ONE_RUN
    with Session(db.engine) as session:
        while time.monotonic() < until and (mails := take_unread(session)):
            for mail in mails:
                read_and_apply(session, mail, marks)


def forget_old() -> None:
    """Forget mail that was read long ago. Queue: upkeep."""
    before = SystemClock().now() - timedelta(days=settings().inbound_keep_days)
    with Session(db.engine) as session:
        session.execute(text("SELECT relay.forget_inbound(:before)"), {"before": before})
        session.commit()
