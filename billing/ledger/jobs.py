"""Looking after the books every hour: what lapsed is written down, what was never tried is given back. Queue: upkeep.

Both may run twice, at once or never: an account is locked before it is looked at, and nothing is given back twice. They
need an application context, which the process that runs them provides.
"""

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.ledger.services import record_lapsed, refund_untried
from platform_core.clock import Clock, SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.ids import AccountId, ResellerId
from platform_core.queues import QueueName, queue_named, redis_connection
from platform_core.settings import settings
from tenants.models import Account, Reseller
from tenants.resellers.queries import reseller_by_id

QUEUE = QueueName.UPKEEP
TIMEOUT_SECONDS = 600
WAIT_SECONDS = 3600  # by then the next hour's job has come
CRON = "33 * * * *"

log = structlog.get_logger()


def enqueue_upkeep() -> None:
    """Enqueue a job for each reseller, suspended or not: its customers' credits lapse, and come back, all the same."""
    with Session(db.engine) as session:
        resellers = list(session.scalars(select(Reseller.id).order_by(Reseller.id)))
    with redis_connection(settings()) as connection:
        queue = queue_named(QUEUE, connection)
        for reseller_id in resellers:
            queue.enqueue(
                keep_ledger_of, reseller_id, job_timeout=TIMEOUT_SECONDS, ttl=WAIT_SECONDS, result_ttl=0
            )


def keep_ledger_of(reseller_id: ResellerId) -> None:
    """Look after one reseller's books."""
    with Session(db.engine) as session:
        reseller = reseller_by_id(session, reseller_id).ref
    keep_ledger(reseller, SystemClock())


def keep_ledger(reseller: ResellerRef, clock: Clock) -> None:
    """Give back what was never tried, then write down what has lapsed."""
    with tenant_session(reseller) as session:
        accounts = list(session.scalars(select(Account.id).order_by(Account.id)))
    refunded = sum(_refund(reseller, account_id, clock) for account_id in accounts)
    with tenant_session(reseller) as session:
        lapsed = record_lapsed(session, clock=clock)
        session.commit()
    if refunded or lapsed.lots:
        log.info(
            "ledger.kept", reseller=reseller.key, refunded=refunded, lapsed=lapsed.credits, lots=lapsed.lots
        )


def _refund(reseller: ResellerRef, account_id: AccountId, clock: Clock) -> int:
    """Batch by batch, each in a transaction of its own, so that the account can send in between."""
    refunded = 0
    with tenant_session(reseller) as session:
        account = session.get_one(Account, account_id)
        while found := refund_untried(session, account, clock=clock):
            session.commit()
            refunded += found
    return refunded
