"""Renewing dedicated IPs at the end of their periods. Queue: upkeep.

May run twice, at once or late: a rental is locked before it is looked at, and a period is charged for once. It needs an
application context, which the process that runs it provides.
"""

from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from billing.payments.orders import follow_rentals, standings
from billing.rentals.queries import due_rentals
from billing.rentals.renewals import renew_rental
from platform_core.clock import Clock, SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from tenants.pending.kinds import TimelyWork
from tenants.pending.visits import visit_timely

CRON = "*/15 * * * *"  # every midnight of every time zone falls on a quarter of an hour

log = structlog.get_logger()


def renew_rentals() -> None:
    """At every reseller that has any, suspended or not: periods end all the same."""
    visit_timely(
        TimelyWork.RENTALS,
        lambda reseller: renew_rentals_of(reseller, SystemClock()),
        failed="rentals.failed",
    )


def renew_rentals_of(reseller: ResellerRef, clock: Clock) -> None:
    """Bring every rental of a reseller up to now, each in a transaction of its own, and its orders with them."""
    with tenant_session(reseller) as session:
        due = due_rentals(session, clock.now())
    for rental_id in due:
        _renew(reseller, rental_id, clock)
    with tenant_session(reseller) as session:
        found = standings(session)
    if found:
        with Session(db.engine) as platform:
            follow_rentals(platform, reseller, found, clock=clock)
            platform.commit()


def _renew(reseller: ResellerRef, rental_id: UUID, clock: Clock) -> None:
    with tenant_session(reseller) as session:
        status = renew_rental(session, rental_id, clock=clock)
        session.commit()
    log.info("rental.renewed", reseller=reseller.key, rental=str(rental_id), status=status)
