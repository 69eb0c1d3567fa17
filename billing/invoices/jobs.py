"""Entry points of the jobs of invoices. All may run twice, late or never: what is due is found in the database."""

from contextlib import ExitStack

from sqlalchemy.orm import Session

from billing.invoices.monthly.services import bill_reseller, bill_sub_accounts
from billing.invoices.sending.letters import Mailroom, send_due
from billing.letters.posting import QueuePost
from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.ids import ResellerKey
from platform_core.settings import settings
from tenants.pending.kinds import Work
from tenants.pending.visits import visit_all, visit_pending
from tenants.resellers.queries import reseller_by_key

BILL_CRON = "17 5 * * *"  # daily, so that a month whose first run failed is billed a day later; a month is billed once
SEND_SECONDS = 60


def bill_month() -> None:
    """Issue the invoices for the month that has ended, the platform's and every reseller's. Queue: upkeep."""
    visit_all(_bill_month_of, failed="invoices.failed")


def _bill_month_of(reseller: ResellerRef) -> None:
    clock = SystemClock()
    bill_reseller(reseller, clock=clock)
    bill_sub_accounts(reseller, clock=clock)


def send_invoices() -> None:
    """E-mail the invoices that wait for it. Queue: upkeep."""
    visit_pending(Work.INVOICES, _send_invoices_of, failed="invoices.not_sent")
    clock = SystemClock()
    with Session(db.engine) as platform, ExitStack() as stack:
        sender = _platforms_own(platform, settings().platform_reseller)
        own_rows = stack.enter_context(tenant_session(sender)) if sender else None
        send_due(platform, Mailroom(own_rows, QueuePost(clock), clock))


def _send_invoices_of(reseller: ResellerRef) -> None:
    clock = SystemClock()
    with tenant_session(reseller) as rows:
        send_due(rows, Mailroom(rows, QueuePost(clock), clock))


def _platforms_own(platform: Session, key: str) -> ResellerRef | None:
    return reseller_by_key(platform, ResellerKey(key)).ref if key else None
