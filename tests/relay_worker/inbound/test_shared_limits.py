"""What relay processes share over Redis: the counts of who brings mail, and the bell for who reads it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import redis.asyncio
from redis import Redis
from rq import Queue
from rq.utils import import_attribute

from platform_core.queues import QueueName, queue_named, redis_connection
from platform_core.settings import settings
from platform_dev.redis import EmbeddedRedis
from relay_worker.inbound import jobs
from relay_worker.inbound.bell import InboundBell
from relay_worker.inbound.rate import InboundRate
from relay_worker.submission.shared import SharedMemory


@pytest.fixture
def connection(redis_server: EmbeddedRedis) -> Redis:
    connection = redis_connection(settings())
    connection.flushall()
    return connection


def with_two_rates(work: Callable[[InboundRate, InboundRate], Awaitable[None]], **limits: int) -> None:
    """Do `work` with the limits of two relay processes."""

    async def main() -> None:
        async with redis.asyncio.Redis.from_url(settings().redis_url.get_secret_value()) as client:
            values = {"messages": 100, "refusals": 100, **limits}
            await work(*(InboundRate(SharedMemory(client), **values) for _ in range(2)))

    asyncio.run(main())


@pytest.mark.parametrize("counted", ["took", "refused"])
def test_what_one_process_counts_the_other_knows(connection: Redis, counted: str) -> None:
    async def work(one: InboundRate, other: InboundRate) -> None:
        for _ in range(2):
            assert not await other.blocked("192.0.2.1")
            await getattr(one, counted)("192.0.2.1")
        assert await other.blocked("192.0.2.1")
        assert not await other.blocked("192.0.2.2")

    with_two_rates(work, messages=2, refusals=2)


def test_an_ipv6_client_is_counted_with_its_network(connection: Redis) -> None:
    async def work(one: InboundRate, other: InboundRate) -> None:
        await one.took("2001:db8::1")
        assert await one.blocked("2001:db8::ffff")

    with_two_rates(work, messages=1)


def test_a_count_ends(connection: Redis) -> None:
    async def work(one: InboundRate, other: InboundRate) -> None:
        await one.took("192.0.2.1")

    with_two_rates(work)
    assert 0 < int(connection.ttl("relay:inbound:taken:192.0.2.1")) <= 600


def test_the_bell_calls_the_job_that_reads(connection: Redis) -> None:
    asyncio.run(InboundBell(settings()).ring())
    queue: Queue = queue_named(QueueName.UPKEEP, connection)
    (job,) = queue.jobs
    assert import_attribute(job.func_name) is jobs.read


def test_a_dead_redis_is_not_heard_and_not_raised(connection: Redis) -> None:
    nowhere = settings().model_copy(update={"redis_url": type(settings().redis_url)("redis://127.0.0.1:1/0")})
    asyncio.run(InboundBell(nowhere).ring())
