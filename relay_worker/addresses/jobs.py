"""Entry points of the addresses' jobs. They may run twice, or at once, with one effect; they need an application context."""

from datetime import timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_core.settings import settings
from relay_worker.addresses.checks.look import look_at_addresses
from relay_worker.addresses.checks.names import Names
from relay_worker.addresses.models import IpResult, IpWarmupDay
from relay_worker.addresses.rented.services import take_back_addresses
from relay_worker.addresses.warmup.services import run_warmups

CRON = "7 * * * *"  # hourly, soon after midnight UTC too, when the day of a warm-up is over
TAKE_BACK_CRON = "5-59/15 * * * *"  # soon after rentals have been renewed, or not
KEPT_FOR = timedelta(days=100)  # results; longer than the 30 days after which an address is warmed up again

log = structlog.get_logger()


def keep_addresses() -> None:
    """Move the warm-ups on, forget old results, and look at every address in DNS. Queue: upkeep."""
    clock = SystemClock()
    with Session(db.engine) as session:
        run_warmups(session, clock=clock)
        # Before DNS is asked, which may take long.
        session.commit()
        oldest = clock.now() - KEPT_FOR
        session.execute(delete(IpResult).where(IpResult.hour < oldest))
        session.execute(delete(IpWarmupDay).where(IpWarmupDay.day < oldest.date()))
        session.commit()
    looked = look_at_addresses(Names.from_settings(settings()), clock)
    log.info("addresses_checked", addresses=looked)


def take_back_rented() -> None:
    """Take addresses back whose rental is over. Queue: upkeep."""
    with Session(db.engine) as session:
        taken = take_back_addresses(session, clock=SystemClock(), actor="jobs")
        session.commit()
    if taken:
        log.info("addresses_taken_back", addresses=taken)
