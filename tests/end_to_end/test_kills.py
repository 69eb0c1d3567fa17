"""SIGKILL in the middle of the work: whatever got its 250 arrives, and next to nothing arrives twice."""

import time

import pytest

from relay_worker.delivery.recorder import BATCH
from tests.end_to_end.product import CREDITS, WORKERS, Product
from tests.end_to_end.senders import Senders

BEFORE, AFTER = 150, 150
# What a worker may have sent and not recorded yet: a batch that is being written, and the one that gathers.
UNRECORDED = 2 * BATCH


def check_books(product: Product, senders: Senders) -> None:
    """Accepted, paid and delivered are the same number. A 250 may have been lost on its way: never the other way.

    Letters of the reseller's own (account 0), which another test may have sent, are in nobody's books.
    """
    product.until_recorded()
    written = product.value("SELECT count(*) FROM recipient WHERE account_id <> 0")
    assert product.value("SELECT sum(accepted) FROM account_month") == written
    assert CREDITS - product.value("SELECT sum(remaining) FROM credit_lot") == written
    assert product.value("SELECT sum(credits) FROM credit_entry") == CREDITS - written
    assert product.value("SELECT count(*) FROM recipient WHERE state <> 'delivered'") == 0
    assert product.value("SELECT sum(delivered) FROM stats_hour") == written


def test_a_killed_relay_loses_nothing_and_doubles_nothing(product: Product) -> None:
    with Senders(product).sending() as senders:
        senders.wait_for(BEFORE)
        product.kill("relay")
        senders.wait_for(len(senders.accepted) + AFTER)
    assert senders.interrupted
    product.until_arrived(senders.accepted)
    check_books(product, senders)
    assert not product.sink.doubled(senders.accepted)


def test_killed_workers_double_only_what_they_had_not_recorded(product: Product) -> None:
    product.sink.delay = 0.01
    with Senders(product).sending() as senders:
        senders.wait_for(BEFORE)
        killed_at = time.monotonic()
        product.kill(*WORKERS)
        senders.wait_for(len(senders.accepted) + AFTER)
    assert not senders.interrupted and not senders.refusals
    product.until_arrived(senders.accepted)
    check_books(product, senders)
    doubled = product.sink.doubled(senders.accepted)
    assert len(doubled) <= UNRECORDED * len(WORKERS)
    for first, *others in doubled.values():
        # Taken at about the kill, when it could not be recorded any more; and sent once again.
        assert abs(killed_at - first) < 1 and len(others) == 1


def test_a_killed_postgres_loses_nothing_and_doubles_nothing(product: Product) -> None:
    product.sink.delay = 0.01
    with Senders(product).sending() as senders:
        senders.wait_for(BEFORE)
        product.postgres.kill()
        time.sleep(1)
        product.postgres.start()
        senders.wait_for(len(senders.accepted) + AFTER)
    assert {code for code, _ in senders.refusals} <= {421, 451, 454}
    product.until_arrived(senders.accepted)
    check_books(product, senders)
    # The workers live, and record what they have sent before anybody else may claim it.
    assert not product.sink.doubled(senders.accepted)


def test_a_killed_redis_is_not_even_noticed_by_senders(product: Product) -> None:
    with Senders(product, pause=0.05).sending() as senders:
        senders.wait_for(50)
        product.redis.kill()
        restarts = product.restarts_of("worker-1")
        # Long enough for every worker to end its drain, find no Redis, end and be started again, more than once.
        product.until(lambda: product.restarts_of("worker-1") >= restarts + 2, "the workers have seen it")
        product.redis.start()
        senders.wait_for(len(senders.accepted) + 50)
    assert not senders.interrupted and not senders.refusals
    product.until_arrived(senders.accepted)
    check_books(product, senders)
    assert not product.sink.doubled(senders.accepted)


@pytest.mark.parametrize("round", range(3))
def test_flushing_redis_loses_nothing(product: Product, round: int) -> None:
    with Senders(product).sending() as senders:
        senders.wait_for(50)
        product.flush_redis()
        senders.wait_for(100)
    product.until_arrived(senders.accepted)
    check_books(product, senders)
    assert not product.sink.doubled(senders.accepted)
