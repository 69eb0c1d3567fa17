"""Entry points of the jobs of invoices. All may run twice, late or never: what is due is found in the database."""

from contextlib import ExitStack

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from billing.invoices.monthly.services import bill_reseller, bill_sub_accounts
from billing.invoices.sending.letters import Mailroom, send_due
from billing.letters.posting import QueuePost
from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.ids import ResellerKey
from platform_core.settings import settings
from tenants.models import Reseller
from tenants.resellers.queries import reseller_by_key

BILL_CRON = "17 5 * * *"  # daily, so that a month whose first run failed is billed a day later; a month is billed once
SEND_SECONDS = 60

log = structlog.get_logger()


def bill_month() -> None:
    """Issue the invoices for the month that has ended, the platform's and every reseller's. Queue: upkeep."""
    clock = SystemClock()
    for reseller in _resellers():
        try:
            bill_reseller(reseller, clock=clock)
            bill_sub_accounts(reseller, clock=clock)
        except SQLAlchemyError as error:  # one reseller's fault is not the next one's
            log.error("invoices.failed", reseller=reseller.key, exc_info=error)


def send_invoices() -> None:
    """E-mail the invoices that wait for it. Queue: upkeep."""
    clock = SystemClock()
    post = QueuePost(clock)
    for reseller in _resellers():
        try:
            with tenant_session(reseller) as rows:
                send_due(rows, Mailroom(rows, post, clock))
        except SQLAlchemyError as error:
            log.error("invoices.not_sent", reseller=reseller.key, exc_info=error)
    with Session(db.engine) as platform, ExitStack() as stack:
        sender = _platforms_own(platform, settings().platform_reseller)
        own_rows = stack.enter_context(tenant_session(sender)) if sender else None
        send_due(platform, Mailroom(own_rows, post, clock))


def _resellers() -> list[ResellerRef]:
    with Session(db.engine) as platform:
        return [reseller.ref for reseller in platform.scalars(select(Reseller).order_by(Reseller.id))]


def _platforms_own(platform: Session, key: str) -> ResellerRef | None:
    return reseller_by_key(platform, ResellerKey(key)).ref if key else None
