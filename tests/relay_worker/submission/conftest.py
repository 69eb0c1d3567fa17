"""A relay for each test that asks for one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.relay_worker.submission.fakes import FakeDoor
from tests.relay_worker.submission.relays import RunningRelay, make_settings


@pytest.fixture
def door() -> FakeDoor:
    return FakeDoor()


@pytest.fixture
def start_relay(door: FakeDoor) -> Iterator[Callable[..., RunningRelay]]:
    """Starts a relay with the settings given; it is stopped after the test."""
    running: list[RunningRelay] = []

    def start(*, redis: Any = None, **settings: object) -> RunningRelay:
        relay = RunningRelay(make_settings(**settings), door, redis)
        running.append(relay)
        relay.start()
        return relay

    yield start
    for relay in running:
        relay.stop()


@pytest.fixture
def relay(start_relay: Callable[..., RunningRelay]) -> RunningRelay:
    return start_relay()
