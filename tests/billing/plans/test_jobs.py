"""Which resellers get a job that renews plans."""

from redis import Redis

from billing.plans.jobs import enqueue_renewals, renew_plans_of
from billing.plans.services import subscribe
from platform_core.database import ResellerRef
from platform_core.queues import QueueName, queue_named
from platform_dev.redis import EmbeddedRedis
from tests.billing.plans.conftest import Club
from tests.relay_worker.queue.desk import owner_connection


def enqueued(server: EmbeddedRedis) -> list[int]:
    """The resellers for whom the job of the quarter of an hour enqueues one of theirs."""
    with Redis.from_url(server.url()) as connection:
        queue = queue_named(QueueName.UPKEEP, connection)
        queue.empty()
        enqueue_renewals()
        found = [job.args[0] for job in queue.jobs if job.func == renew_plans_of]
        queue.empty()
    return found


def test_plans_are_looked_after_where_a_period_is_over(club: Club, redis_server: EmbeddedRedis) -> None:
    subscribe(club.session, club.customer, club.plan(price=0).id, clock=club.clock)
    club.session.commit()
    assert club.reseller.id in enqueued(redis_server)
    renew_plans_of(club.reseller.id)
    assert club.reseller.id not in enqueued(redis_server)


def test_a_reseller_that_cannot_be_looked_at_gets_its_job_and_keeps_nobody_from_theirs(
    club: Club, reseller: ResellerRef, redis_server: EmbeddedRedis
) -> None:
    subscribe(club.session, club.customer, club.plan(price=0).id, clock=club.clock)
    club.session.commit()
    with owner_connection(reseller) as books:
        books.execute("ALTER FUNCTION has_work RENAME TO has_gone")
    found = enqueued(redis_server)
    with owner_connection(reseller) as books:
        books.execute("ALTER FUNCTION has_gone RENAME TO has_work")
    assert {club.reseller.id, reseller.id} <= set(found)
