"""The figures of acceptance, delivery and queue."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from platform_core.clock import SystemClock
from platform_core.errors import Unavailable
from platform_core.mail.states import BounceKind, RecipientState
from platform_core.settings import settings
from platform_dev.redis import EmbeddedRedis
from relay_worker.monitoring.claims import MeasuredClaims
from relay_worker.monitoring.door import MeasuredDoor
from relay_worker.monitoring.queue import QueueFiguresCollector
from relay_worker.queue.postgres import PostgresClaims, PostgresDoor
from tests.relay_worker.queue.conftest import OpenAccount, account, books, desk, empty_queue, resellers
from tests.relay_worker.queue.desk import Desk, forget_figures, result

__all__ = ["account", "books", "desk", "empty_queue", "resellers"]


def shown(collector: Collector) -> str:
    figures = CollectorRegistry()
    figures.register(collector)
    return generate_latest(figures).decode()


def test_what_is_accepted_is_counted_by_verdict(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=2)
    door = MeasuredDoor(PostgresDoor(desk.pool, SystemClock()))
    desk.run(door.ingest(sender.messages(3)))
    text = shown(door)
    assert 'frankpost_accept_messages_total{verdict="accepted"} 2.0' in text
    assert 'frankpost_accept_messages_total{verdict="credits_exhausted"} 1.0' in text
    assert 'frankpost_accept_batch_messages_bucket{le="5.0"} 1.0' in text
    assert "frankpost_accept_seconds_count 1.0" in text


def test_a_door_that_fails_is_counted_and_fails(desk: Desk) -> None:
    class Broken(PostgresDoor):
        async def ingest(self, batch: object) -> list:
            raise Unavailable("away")

    door = MeasuredDoor(Broken(desk.pool, SystemClock()))
    with pytest.raises(Unavailable):
        asyncio.run(door.ingest([]))
    assert 'frankpost_accept_failures_total{error="Unavailable"} 1.0' in shown(door)


def test_results_are_counted_by_state_and_class(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=5)
    desk.accept(sender.message("a@example.org", "b@example.org"))
    claims = MeasuredClaims(PostgresClaims(desk.pool, desk.settings))
    first, second = desk.run(claims.claim(10))
    bounced = replace(
        result(second, RecipientState.BOUNCED, kind=BounceKind.SOFT), outcome_class="mailbox_full"
    )
    desk.run(claims.finish([result(first), bounced]))
    desk.run(claims.post())
    text = shown(claims)
    assert 'frankpost_delivery_results_total{class="",state="delivered"} 1.0' in text
    assert 'frankpost_delivery_results_total{class="mailbox_full",state="bounced"} 1.0' in text
    assert 'frankpost_attempt_seconds_bucket{le="0.25"} 2.0' in text
    for name in "claim", "finish", "post":
        assert f"frankpost_{name}_seconds_count 1.0" in text


@pytest.fixture
def queue_text(app: Flask, redis_server: EmbeddedRedis) -> Iterator[object]:
    def read(**changes: object) -> str:
        forget_figures()
        found = settings().model_copy(update=changes)
        return shown(QueueFiguresCollector(app, found, SystemClock()))

    yield read


def test_the_queue_is_told_by_state_and_age_and_names_nobody(
    desk: Desk, account: OpenAccount, queue_text
) -> None:
    sender = account(credits=5)
    desk.ingest(sender.message(), at=SystemClock().now())
    text = queue_text()
    assert 'frankpost_queue_recipients{state="ready",younger_than="60"} 1.0' in text
    assert 'frankpost_jobs_waiting{queue="delivery"}' in text
    assert sender.reseller.key not in text


def test_resellers_are_named_where_the_settings_allow_it(
    desk: Desk, account: OpenAccount, queue_text
) -> None:
    sender = account(credits=5)
    desk.accept(sender.message())
    named = f'frankpost_queue_reseller_recipients{{reseller="{sender.reseller.key}"}} 1.0'
    assert named in queue_text(metrics_reseller_labels=True)
