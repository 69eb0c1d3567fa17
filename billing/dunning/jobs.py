"""Dunning and warnings, every hour; and lifting, as soon as money is heard of. Queue: upkeep.

They may run twice or at once with one effect; they need an application context.
"""

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from billing.dunning.lapsing import warn_of_lapsing
from billing.dunning.letters import tell
from billing.dunning.services import lift_if_paid, press
from billing.invoices.models import Invoice, PlatformInvoice
from billing.invoices.signals import invoice_paid
from billing.letters.posting import QueuePost
from billing.payments.signals import payment_succeeded
from billing.plans.signals import plan_changed
from platform_core.clock import Clock, SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import FrankpostError
from platform_core.ids import AccountId, ResellerKey
from platform_core.settings import settings
from tenants.accounts.queries import main_account
from tenants.models import Account, Reseller
from tenants.pending.visits import visit_active
from tenants.resellers.queries import reseller_by_key

CRON = "41 * * * *"
TIMEOUT_SECONDS = 1800

log = structlog.get_logger()


def dun() -> None:
    """Take the steps that are due, warn of what lapses, and tell, at every reseller that is not suspended."""
    with Session(db.engine) as session:
        key = settings().platform_reseller
        platform = reseller_by_key(session, ResellerKey(key)).ref if key else None
    visit_active(lambda reseller: _dun_at(reseller, platform), failed="dunning.failed")


def _dun_at(reseller: ResellerRef, platform: ResellerRef | None) -> None:
    clock = SystemClock()
    try:
        press_all(reseller, clock)
        warn_all(reseller, clock)
        tell(reseller, QueuePost(clock), platform=platform, clock=clock)
    except FrankpostError as error:
        log.warning("dunning.failed", reseller=reseller.key, kind=type(error).__name__)


def press_all(reseller: ResellerRef, clock: Clock) -> None:
    """Every account of a reseller, its own included, each in a transaction of its own."""
    with tenant_session(reseller) as session:
        accounts = list(session.scalars(select(Account.id).order_by(Account.id)))
    for account_id in accounts:
        with tenant_session(reseller) as session:
            step = press(session, session.get_one(Account, account_id), clock=clock)
            session.commit()
        if step:
            log.info("dunning.pressed", reseller=reseller.key, account=account_id, step=step)


def warn_all(reseller: ResellerRef, clock: Clock) -> None:
    """The lots of all accounts of a reseller."""
    with tenant_session(reseller) as session:
        warn_of_lapsing(session, clock=clock)
        session.commit()


def lift_when_paid() -> None:
    """From now on a payment that is heard of in this process lifts what dunning did, at once."""
    payment_succeeded.connect(_money_came)
    plan_changed.connect(_money_came)
    invoice_paid.connect(_invoice_paid)


def _money_came(reseller: ResellerRef, *, account_id: AccountId, **_about: object) -> None:
    _lift(reseller, account_id)


def _invoice_paid(reseller: ResellerRef | None, *, invoice_id: int) -> None:
    """In a reseller's books its customer has paid, in the platform's the reseller."""
    if reseller is not None:
        with tenant_session(reseller) as session:
            buyer = AccountId(session.get_one(Invoice, invoice_id).buyer_id)
        _lift(reseller, buyer)
        return
    with Session(db.engine) as platform:
        debtor = platform.get(Reseller, platform.get_one(PlatformInvoice, invoice_id).buyer_id)
        found = debtor.ref if debtor else None
    if found is not None:
        with tenant_session(found) as session:
            main = main_account(session).id
        _lift(found, main)


def _lift(reseller: ResellerRef, account_id: AccountId) -> None:
    """Nothing that fails here may fail the payment: the next hourly run lifts it, too."""
    try:
        with tenant_session(reseller) as session:
            account = session.get(Account, account_id)
            if account is not None and lift_if_paid(session, account, clock=SystemClock()):
                session.commit()
                log.info("dunning.lifted", reseller=reseller.key, account=account_id)
    except SQLAlchemyError as error:
        log.warning("dunning.not_lifted", reseller=reseller.key, kind=type(error).__name__)
