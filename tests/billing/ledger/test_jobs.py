"""The hourly job: every reseller's books are looked after, once or twice alike."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from rq import Queue

from billing.ledger.jobs import QUEUE, enqueue_upkeep, keep_ledger
from billing.ledger.services import grant_credits
from platform_core.queues import queue_named, redis_connection
from platform_core.settings import Settings, settings
from platform_dev.redis import EmbeddedRedis
from tests.billing.ledger.conftest import Shop
from tests.relay_worker.queue.desk import owner_connection


@pytest.fixture
def queue(redis_server: EmbeddedRedis, database: Settings) -> Iterator[Queue]:
    with redis_connection(settings()) as connection:
        queue = queue_named(QUEUE, connection)
        queue.empty()
        yield queue


def test_each_reseller_gets_a_job_also_when_it_is_suspended(shop: Shop, queue: Queue) -> None:
    with owner_connection() as owner:
        owner.execute("UPDATE platform.reseller SET state = 'suspended' WHERE id = %s", [shop.reseller.id])
    enqueue_upkeep()
    assert [shop.reseller.id] in [list(job.args) for job in queue.jobs]


def test_doing_it_twice_changes_nothing(shop: Shop) -> None:
    shop.buy(10)
    grant_credits(shop.session, shop.customer, 5, clock=shop.clock)
    shop.session.commit()
    shop.clock.advance(timedelta(days=365))
    for _ in range(2):
        keep_ledger(shop.reseller, shop.clock)
    assert shop.lines(shop.stock) == [("bought", 10), ("expired", -10)]
    assert shop.lines(shop.customer) == [("granted", 5), ("expired", -5)]
