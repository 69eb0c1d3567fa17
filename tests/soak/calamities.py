"""What can happen to a running product: each kind of process killed, and the milder things."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.end_to_end.product import WORKERS, Product

Calamity = Callable[[Product], None]


@dataclass(frozen=True)
class Blow:
    """A calamity that has come; `at` of `time.monotonic()`."""

    what: str
    at: float


def strike(calamity: Calamity, product: Product) -> Blow:
    """Let it happen."""
    at = time.monotonic()
    calamity(product)
    return Blow(calamity.__name__, at)


def kill_relay(product: Product) -> None:
    product.kill("relay")


def kill_worker(product: Product) -> None:
    product.kill(random.choice(WORKERS))


def kill_jobs(product: Product) -> None:
    product.kill("jobs")


def kill_cron(product: Product) -> None:
    product.kill("cron")


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


# Each kind of process there is.
KILLS: tuple[Calamity, ...] = (kill_relay, kill_worker, kill_jobs, kill_cron, kill_postgres, kill_redis)
CALAMITIES: tuple[Calamity, ...] = (*KILLS, flush_redis, stop_worker, stop_relay)
