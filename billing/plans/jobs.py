"""Renewing plans at the end of their periods. Queue: upkeep.

May run twice, at once or late: a subscription is locked before it is looked at, and a period is charged for once. It needs
an application context, which the process that runs it provides.
"""

import structlog
from sqlalchemy.orm import Session

from billing.plans.queries import due_subscriptions
from billing.plans.renewals import renew_due
from billing.plans.states import PlanStatus
from platform_core.clock import Clock, SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.ids import AccountId, ResellerId
from platform_core.queues import QueueName, queue_named, redis_connection
from platform_core.settings import settings
from tenants.models import Account
from tenants.pending.kinds import TimelyWork
from tenants.pending.visits import resellers_with
from tenants.resellers.queries import reseller_by_id

QUEUE = QueueName.UPKEEP
TIMEOUT_SECONDS = 600
WAIT_SECONDS = 900  # by then the next job has come
CRON = "*/15 * * * *"  # every midnight of every time zone falls on a quarter of an hour

log = structlog.get_logger()


def enqueue_renewals() -> None:
    """Enqueue a job for each reseller that has plans to renew, suspended or not: periods end all the same."""
    resellers = resellers_with(TimelyWork.PLANS)
    if not resellers:
        return
    with redis_connection(settings()) as connection:
        queue = queue_named(QUEUE, connection)
        for reseller in resellers:
            queue.enqueue(
                renew_plans_of, reseller.id, job_timeout=TIMEOUT_SECONDS, ttl=WAIT_SECONDS, result_ttl=0
            )


def renew_plans_of(reseller_id: ResellerId) -> None:
    """Renew what is due at one reseller."""
    with Session(db.engine) as session:
        reseller = reseller_by_id(session, reseller_id).ref
    renew_plans(reseller, SystemClock())


def renew_plans(reseller: ResellerRef, clock: Clock) -> None:
    """Bring every plan of a reseller up to now, its own and its customers', each in a transaction of its own."""
    with tenant_session(reseller) as session:
        due = due_subscriptions(session, clock.now())
    for account_id in due:
        status = _renew(reseller, account_id, clock)
        log.info("plan.renewed", reseller=reseller.key, account=account_id, status=status)


def _renew(reseller: ResellerRef, account_id: AccountId, clock: Clock) -> PlanStatus:
    with tenant_session(reseller) as session:
        change = renew_due(session, session.get_one(Account, account_id), clock=clock)
        session.commit()
    return change.status
