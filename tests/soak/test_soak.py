"""A hundred thousand messages while everything is killed again and again: all arrive, and the books add up.

FRANKPOST_SOAK_MESSAGES says another number.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay_worker.delivery.recorder import BATCH
from tests.end_to_end.product import CREDITS, WORKERS, Product
from tests.end_to_end.senders import Senders

MESSAGES = int(os.environ.get("FRANKPOST_SOAK_MESSAGES", "100000"))
# Accepted messages between two calamities.
PEACE = 2000
UNRECORDED = 2 * BATCH

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


@pytest.fixture
def product(server_folder: Path) -> Iterator[Product]:
    folder = server_folder / "soak"
    folder.mkdir()
    with Product(folder) as product:
        yield product


def kill_relay(product: Product) -> None:
    product.kill("relay")


def kill_worker(product: Product) -> None:
    product.kill(random.choice(WORKERS))


def kill_postgres(product: Product) -> None:
    product.postgres.kill()
    time.sleep(random.uniform(0, 2))
    product.postgres.start()


def kill_redis(product: Product) -> None:
    product.redis.kill()
    time.sleep(random.uniform(0, 4))
    product.redis.start()


def flush_redis(product: Product) -> None:
    product.flush_redis()


def stop_worker(product: Product) -> None:
    assert product.terminate(random.choice(WORKERS)) == [0]


def stop_relay(product: Product) -> None:
    assert product.terminate("relay") == [0]


CALAMITIES: tuple[Callable[[Product], None], ...] = (
    kill_relay,
    kill_worker,
    kill_postgres,
    kill_redis,
    flush_redis,
    stop_worker,
    stop_relay,
)


def test_nothing_is_lost_whatever_is_killed(product: Product) -> None:
    worker_kills = 0
    with Senders(product, threads=8, limit=MESSAGES).sending() as senders:
        while len(senders.accepted) < MESSAGES:
            senders.wait_for(min(len(senders.accepted) + PEACE, MESSAGES), seconds=300)
            calamity = random.choice(CALAMITIES)
            worker_kills += calamity is kill_worker
            calamity(product)
    product.until_arrived(senders.accepted, seconds=600)
    product.until_recorded()
    written = product.value("SELECT count(*) FROM recipient")
    assert product.value("SELECT count(*) FROM recipient WHERE state <> 'delivered'") == 0
    assert product.value("SELECT sum(accepted) FROM account_month") == written
    assert product.value("SELECT sum(delivered) FROM stats_hour") == written
    assert CREDITS - product.value("SELECT sum(remaining) FROM credit_lot") == written
    assert product.value("SELECT sum(credits) FROM credit_entry") == CREDITS - written
    assert {code for code, _ in senders.refusals} <= {421, 451, 454}
    assert len(product.sink.doubled(senders.accepted)) <= UNRECORDED * worker_kills
