"""Entry points of the payments' jobs. They may run twice, or at once, with one effect; they need an application context.

Queue: upkeep.
"""

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.letters.posting import QueuePost
from billing.payments.events import apply_due
from billing.payments.models import Payment
from billing.payments.settling import settle
from billing.payments.states import PaymentState
from billing.payments.till import Till
from billing.payments.top_ups import notices
from billing.payments.top_ups.buying import accounts_to_look_at, top_up
from platform_core.clock import Clock, SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import FrankpostError
from platform_core.settings import settings
from tenants.models import Reseller, State

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
    for reseller in _active_resellers():
        with tenant_session(reseller) as session:
            accounts = accounts_to_look_at(session)
        for account_id in accounts:
            try:
                top_up(reseller, account_id, till=till)
            except FrankpostError as error:
                log.warning("top_up_failed", reseller=reseller.key, kind=type(error).__name__)


def tell_of_stopped_top_ups() -> None:
    """Write to those whose automatic top-up went off. Who can't be written to now is written to at the next run."""
    clock = SystemClock()
    post = QueuePost(clock)
    for reseller in _active_resellers():
        try:
            notices.tell_of_stopped_top_ups(reseller, post, clock=clock)
        except FrankpostError as error:
            log.warning("top_up_notice_failed", reseller=reseller.key, kind=type(error).__name__)


def deliver_again() -> None:
    """Deliver what was paid and could not be delivered then: the stock was empty, say."""
    for reseller in _active_resellers():
        deliver_paid(reseller, clock=SystemClock())


def deliver_paid(reseller: ResellerRef, *, clock: Clock) -> None:
    """The same for one reseller, oldest payment first."""
    with tenant_session(reseller) as session:
        query = select(Payment).where(Payment.state == PaymentState.PAID, Payment.delivered == 0)
        query = query.order_by(Payment.created_at).limit(AT_ONCE).with_for_update(skip_locked=True)
        for payment in session.scalars(query).all():
            settle(session, payment, clock=clock)
        session.commit()


def _active_resellers() -> list[ResellerRef]:
    with Session(db.engine) as session:
        query = select(Reseller).where(Reseller.state == State.ACTIVE).order_by(Reseller.id)
        return [reseller.ref for reseller in session.scalars(query)]
