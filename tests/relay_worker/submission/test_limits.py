"""Connections and guesses, counted over processes through Redis and without it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from relay_worker.submission.guesses import LocalCount
from relay_worker.submission.limits import Hold, Memory
from relay_worker.submission.shared import client_key
from tests.relay_worker.submission.relays import RunningRelay

StartRelay = Callable[..., RunningRelay]


@pytest.fixture
def shared_redis(redis_server: Any) -> Iterator[Callable[[], AsyncRedis]]:
    """Makes clients of one Redis, a new one for each loop."""
    with Redis.from_url(redis_server.url()) as client:
        client.flushall()
    yield lambda: AsyncRedis.from_url(redis_server.url())


def test_connections_of_one_address_are_limited(start_relay: StartRelay) -> None:
    relay = start_relay(relay_max_connections_per_address=2)
    with relay.raw() as first, relay.raw() as second:
        assert first.greet() and second.greet()
        with relay.raw() as third:
            assert third.reply().startswith("421 4.7.0 Too many connections from your address")
            assert third.closed


def test_a_connection_ended_makes_room_for_another(start_relay: StartRelay) -> None:
    relay = start_relay(relay_max_connections_per_address=1)
    for _ in range(3):
        with relay.raw() as client:
            client.greet()
            client.ask(b"QUIT")
            assert client.closed


def test_a_refused_connection_with_tls_is_closed(start_relay: StartRelay) -> None:
    relay = start_relay(relay_max_connections_per_address=1)
    with relay.raw() as first:
        first.greet()
        with relay.raw(port=relay.tls_port) as second:
            assert second.closed


def test_connections_of_one_process_are_limited(start_relay: StartRelay) -> None:
    relay = start_relay(relay_max_connections=1)
    with relay.raw() as first:
        first.greet()
        with relay.raw() as second:
            assert second.reply().startswith("421 4.3.2")


def test_logged_in_connections_of_one_account_are_limited(start_relay: StartRelay) -> None:
    relay = start_relay(relay_max_connections_per_account=1)
    with relay.raw() as first, relay.raw() as second:
        first.log_in()
        second.greet()
        assert second.auth().startswith("421 4.7.0 Too many connections of this account")
        assert second.closed


def test_two_processes_share_their_count_of_connections(
    start_relay: StartRelay, shared_redis: Callable[[], AsyncRedis]
) -> None:
    one = start_relay(redis=shared_redis(), relay_max_connections_per_address=1)
    two = start_relay(redis=shared_redis(), relay_max_connections_per_address=1)
    with one.raw() as first:
        first.greet()
        with two.raw() as second:
            assert second.reply().startswith("421 4.7.0")
        first.ask(b"QUIT")
    one.stop()  # it tells Redis of its last connections before it ends
    with two.raw() as third:
        assert third.reply().startswith("220 ")


def test_two_processes_share_their_count_of_guesses(
    start_relay: StartRelay, shared_redis: Callable[[], AsyncRedis]
) -> None:
    relays = [start_relay(redis=shared_redis(), relay_max_auth_failures_per_address=2) for _ in range(2)]
    for relay in relays:
        with relay.raw() as client:
            client.greet()
            assert client.auth(secret="wrong").startswith("535 ")
    with relays[0].raw() as client:
        client.greet()
        assert client.auth().startswith("421 4.7.0")


def test_a_login_makes_its_address_known_to_every_process(
    start_relay: StartRelay, shared_redis: Callable[[], AsyncRedis]
) -> None:
    relays = [start_relay(redis=shared_redis(), relay_max_auth_failures_per_user=1) for _ in range(2)]
    with relays[0].raw() as client:
        client.log_in()
    with relays[1].raw() as client:
        client.greet()
        assert [client.auth(secret="wrong")[:3] for _ in range(3)] == ["535"] * 3


def test_without_redis_the_limits_hold_locally(start_relay: StartRelay) -> None:
    nobody_there = AsyncRedis(host="127.0.0.1", port=1)
    relay = start_relay(
        redis=nobody_there, relay_max_connections_per_address=1, relay_max_auth_failures_per_address=1
    )
    with relay.raw() as first:
        first.greet()
        with relay.raw() as second:
            assert second.reply().startswith("421 4.7.0")
        assert first.auth(secret="wrong").startswith("535 ")
        assert first.auth().startswith("421 4.7.0")


def test_a_dead_redis_costs_one_client_its_patience_and_the_next_nothing(start_relay: StartRelay) -> None:
    relay = start_relay(redis=AsyncRedis(host="127.0.0.1", port=1))
    for _ in range(3):
        with relay.raw() as client:
            assert client.log_in().ask(b"NOOP") == "250 2.0.0 OK"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_ipv6_client_is_counted_by_its_network(address: str, key: str) -> None:
    assert client_key(address) == key


def test_counting_begins_anew_after_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    count = LocalCount()
    count.add("key")
    count.add("key")
    assert count.get("key") == 2
    later = time.monotonic() + 601
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert count.get("key") == 0


def test_a_flood_of_names_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay_worker.submission.guesses._MOST_COUNTED", 10)
    count = LocalCount()
    for n in range(100):
        count.add(str(n))
    assert len(count._counts) == 10


def test_memory_is_given_back_when_the_message_is_done() -> None:
    memory = Memory(100)
    with Hold(memory) as hold:
        assert hold.grow_to(60)
        assert not Hold(memory).grow_to(50)
        assert hold.grow_to(100)
    assert memory.held == 0
