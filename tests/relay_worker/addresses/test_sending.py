"""From the engine to a server on loopback: mail leaves from the addresses of its pool, under their names."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from platform_core.clock import SystemClock
from platform_core.ids import AccountId, ResellerId
from platform_core.settings import Settings, settings
from relay_worker.addresses.book import Holdings, HourResult, Pool, PooledAddress
from relay_worker.addresses.chooser import Source
from relay_worker.addresses.choosing import PoolChooser
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.states import Standing
from relay_worker.addresses.tally import Tally
from relay_worker.delivery import engine as engine_module
from relay_worker.delivery.engine import Engine
from relay_worker.delivery.lanes import lanes as lanes_module
from relay_worker.delivery.surroundings import Surroundings
from tests.relay_worker.addresses.fakes import OTHERS, MemoryBook
from tests.relay_worker.delivery.factories import InMemoryClaims, recipient
from tests.relay_worker.scripted_mx import SILENCE, Script, ScriptedMx

POOLS = (Pool(1, fallback_id=2, is_default=True), Pool(2))


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LINGER_SECONDS", 0.05)


def ours(number: int, pool_id: int = 1, *warming: Provider) -> PooledAddress:
    """127.0.0.<number>, which every Linux machine has."""
    source = Source(number, f"127.0.0.{number}", f"mta{number}.example.net")
    return PooledAddress(source, pool_id, 4, True, Standing.SOUND, frozenset(warming))


def through(mx: ScriptedMx) -> Settings:
    """All mail goes to this server, ten messages at a time."""
    changes = {
        "delivery_smart_host": f"127.0.0.1:{mx.port}",
        "delivery_claim": 10,
        "delivery_in_flight": 10,
    }
    chosen: Settings = settings().model_copy(update=changes)
    return chosen


def deliver(
    book: MemoryBook, messages: int, script: Script | None = None
) -> tuple[ScriptedMx, InMemoryClaims]:
    """Have so many messages delivered to one scripted server by an engine that uses the book."""

    async def main() -> tuple[ScriptedMx, InMemoryClaims]:
        async with ScriptedMx(script) as mx:
            claims = InMemoryClaims([recipient(f"r{n}@example.test") for n in range(messages)])
            engine = Engine(through(mx), claims, Surroundings(sources=PoolChooser(book, SystemClock())))
            try:
                await engine.run(time.monotonic() + 10)
            finally:
                await engine.close(0.5)
            return mx, claims

    return asyncio.run(main())


def tallies(book: MemoryBook) -> dict[int, Tally]:
    found: dict[int, Tally] = {}
    for one in book.counted:
        found[one.ip_id] = found.get(one.ip_id, Tally()) + one.tally
    return found


def helos(mx: ScriptedMx) -> set[str]:
    return {command for command in mx.commands if command.startswith("EHLO")}


def test_mail_leaves_from_every_address_of_the_pool_under_its_name() -> None:
    book = MemoryBook(Holdings(POOLS, (ours(2), ours(3))))
    mx, claims = deliver(book, 60)
    assert len(mx.delivered) == 60
    assert set(mx.peers) == {"127.0.0.2", "127.0.0.3"}
    assert helos(mx) == {"EHLO mta2.example.net", "EHLO mta3.example.net"}
    assert Counter(one.source_address for one in claims.results) == {"127.0.0.2": 30, "127.0.0.3": 30}
    assert tallies(book) == {2: Tally(delivered=30), 3: Tally(delivered=30)}


def test_an_address_that_warms_up_sends_its_allowance_and_the_warm_pool_the_rest() -> None:
    book = MemoryBook(Holdings(POOLS, (ours(2, 1, *Provider), ours(3, 2))), per_day=15)
    # Slow enough that the allowance arrives while there is still mail.
    _, claims = deliver(book, 200, Script(delays={"FINAL": 0.15}))
    sent = Counter(one.source_address for one in claims.results)
    assert sent == {"127.0.0.2": 15, "127.0.0.3": 185}
    assert sum(book.taken.values()) == 15


def test_mail_that_no_address_may_send_now_is_put_back() -> None:
    book = MemoryBook(Holdings(POOLS[1:], ()), per_day=0)
    book.known = Holdings((Pool(1, is_default=True),), (ours(2, 1, *Provider),))
    mx, claims = deliver(book, 3)
    assert (mx.connections, claims.results, len(claims.postponed)) == (0, [], 3)


def test_what_servers_say_is_told_to_the_book() -> None:
    book = MemoryBook(Holdings(POOLS, (ours(2),)))
    blocked = "550 5.7.1 Service unavailable; client host [127.0.0.2] blocked using zen.spamhaus.org"
    script = Script(recipients={"r0@example.test": blocked, "r1@example.test": "550 5.1.1 no such user"})
    deliver(book, 4, script)
    assert tallies(book) == {2: Tally(delivered=2, blocked=1, bounced=1)}


def test_without_pools_the_system_chooses() -> None:
    mx, claims = deliver(MemoryBook(Holdings()), 2)
    assert set(mx.peers) == {"127.0.0.1"}
    assert {one.source_address for one in claims.results} == {""}


def test_an_address_that_a_server_puts_off_holds_up_no_other_at_that_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mail of both addresses is on one lane of the queue."""
    monkeypatch.setattr(lanes_module, "LOOK_SECONDS", 0.02)
    pools = (Pool(1, is_default=True), Pool(2, OTHERS))
    assigned: dict[tuple[ResellerId, AccountId | None], int] = {(OTHERS, None): 2}
    book = MemoryBook(Holdings(pools, (ours(2, 1), ours(3, 2)), assigned))

    async def main() -> None:
        async with ScriptedMx(Script(replies={"MAIL": ["421 4.7.0 try again in 10 minutes"]})) as mx:
            claims = InMemoryClaims([recipient("first@example.test")])
            engine = Engine(through(mx), claims, Surroundings(sources=PoolChooser(book, SystemClock())))
            try:
                await engine.run(time.monotonic() + 10)
                claims.due = [recipient("second@example.test", reseller_id=OTHERS)]
                await engine.run(time.monotonic() + 10)
            finally:
                await engine.close(0.5)
            assert [message.rcpt_to for message in mx.delivered] == [("second@example.test",)]

    asyncio.run(main())


class SlowBook(MemoryBook):
    """One that takes its time to count."""

    counting = False

    async def count(self, results: Sequence[HourResult]) -> None:
        self.counting = True
        await asyncio.sleep(0.1)
        await super().count(results)


def test_what_servers_say_is_counted_once_though_a_run_begins_while_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_module, "REFRESH_SECONDS", 0.3)
    monkeypatch.setattr(engine_module, "FINISH_SECONDS", 0.1)
    book = SlowBook(Holdings(POOLS, (ours(2),)))

    async def main() -> None:
        async with ScriptedMx(Script(replies={"FINAL": ["250 ok", SILENCE]})) as mx:
            claims = InMemoryClaims([recipient("taken@example.test"), recipient("slow@example.test")])
            engine = Engine(through(mx), claims, Surroundings(sources=PoolChooser(book, SystemClock())))
            try:
                # What is left in flight keeps what goes on beside the runs going.
                assert (await engine.run(time.monotonic() + 0.1)).in_flight == 1
                while not book.counting:
                    await asyncio.sleep(0.01)
                await engine.run(time.monotonic() + 0.1)
            finally:
                await engine.close(0.1)

    asyncio.run(main())
    assert tallies(book) == {2: Tally(delivered=1)}
