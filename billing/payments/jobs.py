"""Entry points of the payments' jobs. They may run twice, or at once, with one effect; they need an application context.

Queue: upkeep.
"""

import structlog
from sqlalchemy import select

from billing.letters.posting import QueuePost
from billing.payments.events import apply_due
from billing.payments.models import Payment
from billing.payments.settling import settle
from billing.payments.states import PaymentState
from billing.payments.till import Till
from billing.payments.top_ups import notices
from billing.payments.top_ups.buying import accounts_to_look_at, top_up
from platform_core.clock import Clock, SystemClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import FrankpostError
from platform_core.settings import settings
from tenants.pending.kinds import Work
from tenants.pending.visits import visit_active_pending

EVENTS_SECONDS = 10
TOP_UPS_SECONDS = 60
NOTICES_CRON = "*/5 * * * *"
DELIVER_CRON = "*/5 * * * *"
AT_ONCE = 500  # payments of one reseller

log = structlog.get_logger()


def apply_events() -> None:
    """Apply events that were kept and not applied: those that waited, failed, or whose process died."""
    apply_due(clock=SystemClock())


def top_up_accounts() -> None:
    """Top up every account that needs it. One that can't be served does not keep the others waiting."""
    if settings().stripe_secret_key is None:
        return
    till = Till.from_settings(settings(), SystemClock())
    visit_active_pending(
        Work.TOP_UPS, lambda reseller: _top_up_accounts_of(reseller, till), failed="top_ups_failed"
    )


def _top_up_accounts_of(reseller: ResellerRef, till: Till) -> None:
    with tenant_session(reseller) as session:
        accounts = accounts_to_look_at(session)
    for account_id in accounts:
        try:
            top_up(reseller, account_id, till=till)
        except FrankpostError as error:
            log.warning("top_up_failed", reseller=reseller.key, kind=type(error).__name__)


def tell_of_stopped_top_ups() -> None:
    """Write to those whose automatic top-up went off. Who can't be written to now is written to at the next run."""
    visit_active_pending(Work.STOPPED_TOP_UPS, _tell_of_stopped_top_ups, failed="top_up_notices_failed")


def _tell_of_stopped_top_ups(reseller: ResellerRef) -> None:
    clock = SystemClock()
    try:
        notices.tell_of_stopped_top_ups(reseller, QueuePost(clock), clock=clock)
    except FrankpostError as error:
        log.warning("top_up_notice_failed", reseller=reseller.key, kind=type(error).__name__)


def deliver_again() -> None:
    """Deliver what was paid and could not be delivered then: the stock was empty, say."""
    visit_active_pending(
        Work.DELIVERIES,
        lambda reseller: deliver_paid(reseller, clock=SystemClock()),
        failed="delivery_failed",
    )


def deliver_paid(reseller: ResellerRef, *, clock: Clock) -> None:
    """The same for one reseller, oldest payment first."""
    with tenant_session(reseller) as session:
        query = select(Payment).where(Payment.state == PaymentState.PAID, Payment.delivered == 0)
        query = query.order_by(Payment.created_at).limit(AT_ONCE).with_for_update(skip_locked=True)
        for payment in session.scalars(query).all():
            settle(session, payment, clock=clock)
        session.commit()
