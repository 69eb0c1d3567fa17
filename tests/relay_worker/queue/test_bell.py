"""The bell in Redis: one job at a time, silence that harms nobody, and the sweep that rings when something is due."""

import asyncio
from collections.abc import Iterator

import pytest
from flask import Flask
from redis import Redis
from rq import Queue

from platform_core.queues import QueueName, queue_named
from platform_core.settings import settings
from platform_dev.redis import EmbeddedRedis
from relay_worker.queue import jobs
from relay_worker.queue.bell import JOB, Bell
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import Desk, Worker, end_leases, result


@pytest.fixture
def waiting(redis_server: EmbeddedRedis) -> Iterator[Queue]:
    """The queue that delivery workers listen to, empty."""
    with Redis.from_url(redis_server.url()) as connection:
        queue = queue_named(QueueName.DELIVERY, connection)
        queue.empty()
        yield queue
        queue.empty()


def test_a_ring_calls_one_worker(waiting: Queue) -> None:
    Bell(settings()).ring_now()
    [job] = waiting.jobs
    assert (job.func_name, job.args) == (JOB, ())


def test_who_rings_while_a_bell_waits_adds_none(waiting: Queue) -> None:
    bells = [Bell(settings()) for _ in range(2)]
    for bell in bells * 3:
        bell.ring_now()
    assert waiting.count == 1


def test_a_ring_after_the_last_was_heard_is_a_new_one(waiting: Queue) -> None:
    bell = Bell(settings())
    asyncio.run(bell.ring())
    waiting.empty()
    asyncio.run(bell.ring())
    assert waiting.count == 1


def test_without_redis_the_bell_is_silent_and_raises_nothing() -> None:
    nowhere = settings().model_copy(update={"redis_url": type(settings().redis_url)("redis://127.0.0.1:1/0")})
    asyncio.run(Bell(nowhere).ring())


def test_the_sweep_rings_when_mail_is_ready(
    waiting: Queue, app: Flask, desk: Desk, account: OpenAccount
) -> None:
    desk.accept(account(plan=1).message())
    jobs.sweep()
    assert waiting.count == 1


def test_the_sweep_is_quiet_while_everything_is_held_or_done(
    waiting: Queue, app: Flask, desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    desk.accept(account(plan=1).message())
    [claimed] = worker.claim()
    jobs.sweep()
    worker.finish(result(claimed))
    jobs.sweep()
    assert waiting.count == 0


def test_the_sweep_rings_for_what_a_dead_worker_held(
    waiting: Queue, app: Flask, desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    desk.accept(account(plan=1).message())
    worker.claim()
    end_leases()
    jobs.sweep()
    assert waiting.count == 1


def test_the_sweep_rings_for_what_another_machine_has_to_send(
    waiting: Queue, app: Flask, desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    desk.accept(account(plan=1).message())
    [one] = worker.claim()
    desk.run(worker.claims.hand_over([(one.message_id, one.n)], [7]))
    jobs.sweep()
    assert waiting.count == 1
