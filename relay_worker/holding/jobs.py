"""Letting held mail go as soon as quota covers it, and giving up what was held for too long. Queue: upkeep.

All may run twice, at once or never: each batch locks its account, and the sweep finds whatever a lost job has left. They
need an application context, which the process that runs them provides.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog
from redis import RedisError
from rq.timeouts import JobTimeoutException
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.ids import AccountId, ResellerId
from platform_core.queues import QueueName, queue_named, redis_connection
from platform_core.settings import settings
from relay_worker.holding.queries import Holding, holdings
from relay_worker.holding.services import expire_held, release_held
from relay_worker.queue.bell import Bell
from tenants.accounts.signals import quota_grew
from tenants.resellers.queries import reseller_by_id

QUEUE = QueueName.UPKEEP
TIMEOUT_SECONDS = 300
WAIT_SECONDS = 60  # by then the sweep has come
SWEEP_SECONDS = 60
EXPIRY_CRON = "23 * * * *"

log = structlog.get_logger()


def release_when_quota_grows() -> None:
    """From now on a top-up in this process enqueues the release of what its account holds."""
    quota_grew.connect(enqueue_release)


def enqueue_release(reseller: ResellerRef, *, account_id: AccountId) -> None:
    """Enqueue the release of one account's mail. Without Redis the sweep finds it a minute later."""
    try:
        with redis_connection(settings()) as connection:
            queue_named(QUEUE, connection).enqueue(
                release, reseller.id, account_id,
                job_timeout=TIMEOUT_SECONDS, ttl=WAIT_SECONDS, result_ttl=0,
            )  # fmt: skip
    except RedisError as error:
        log.warning("holding.not_enqueued", reseller=reseller.key, error=type(error).__name__)


def release(reseller_id: ResellerId, account_id: AccountId) -> None:
    """Let go what one account's quota covers."""
    with Session(db.engine) as session:
        reseller = reseller_by_id(session, reseller_id).ref
    _told("released", release_all(reseller, account_id))


def release_everywhere() -> None:
    """The sweep: a new month, a larger plan or cap, a job that was lost."""
    _told("released", sum(_for_each(release_all)))


def expire_everywhere() -> None:
    """Give up what was held for too long."""
    after = timedelta(days=settings().held_days)
    _told("expired", sum(_for_each(lambda reseller, account_id: _expire_all(reseller, account_id, after))))


def release_all(reseller: ResellerRef, account_id: AccountId) -> int:
    """Batch by batch, each in a transaction of its own, and ring; says how many recipients were settled."""
    settled = _until_done(reseller, lambda session: release_held(session, account_id, clock=SystemClock()))
    if settled:
        Bell(settings()).ring_now()
    return settled


def _expire_all(reseller: ResellerRef, account_id: AccountId, after: timedelta) -> int:
    return _until_done(
        reseller, lambda session: expire_held(session, account_id, clock=SystemClock(), after=after)
    )


def _until_done(reseller: ResellerRef, batch: Callable[[Session], int]) -> int:
    settled = 0
    with tenant_session(reseller) as session:
        while found := batch(session):
            session.commit()
            settled += found
    return settled


def _told(done: str, recipients: int) -> None:
    if recipients:
        log.info(f"holding.{done}", recipients=recipients)


def _for_each(verb: Callable[[ResellerRef, AccountId], int]) -> list[int]:
    """Call `verb` for every account that holds mail. One whose schema can't be used holds up no other."""
    with Session(db.engine) as session:
        found = holdings(session)
        resellers = {one.reseller_id: reseller_by_id(session, one.reseller_id).ref for one in found}
    return [_tried(verb, resellers[one.reseller_id], one) for one in found]


def _tried(verb: Callable[[ResellerRef, AccountId], int], reseller: ResellerRef, one: Holding) -> int:
    try:
        return verb(reseller, one.account_id)
    except JobTimeoutException:  # no fault of this account's: all the job's time is over
        raise
    except Exception:
        log.exception("holding.failed", reseller=reseller.key, account_id=one.account_id)
        return 0
