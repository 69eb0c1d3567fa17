"""Mail that only another machine's addresses may send: handed over, taken there, and given back when nobody comes."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from platform_core.clock import SystemClock
from platform_core.settings import Settings
from relay_worker.addresses.book import Pool, PooledAddress
from relay_worker.addresses.chooser import Source
from relay_worker.addresses.choosing import PoolChooser
from relay_worker.addresses.states import Standing
from relay_worker.delivery import engine as engine_module
from relay_worker.delivery.drain_report import DrainReport
from relay_worker.delivery.engine import Engine
from relay_worker.delivery.surroundings import Surroundings
from relay_worker.queue.claims import Claimed
from relay_worker.queue.postgres import PostgresClaims, open_pool
from tests.relay_worker.addresses.fakes import MemoryBook, holdings
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import Desk, Worker
from tests.relay_worker.scripted_mx import ScriptedMx

Books = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def ip_id(books: Books) -> Iterator[int]:
    """An address that some machine has."""
    books.execute("INSERT INTO platform.ip_pool (name) VALUES ('handing')")
    row = books.execute(
        "INSERT INTO platform.ip_address (address, pool_id, helo)"
        " SELECT '192.0.2.77', id, 'mta77.example.net' FROM platform.ip_pool WHERE name = 'handing' RETURNING id"
    ).fetchone()
    assert row
    yield row["id"]
    books.execute("TRUNCATE platform.ip_pool CASCADE")


def hand_over(desk: Desk, worker: Worker, ip_id: int, *claimed: Claimed) -> None:
    keys = [(one.message_id, one.n) for one in claimed]
    desk.run(worker.claims.hand_over(keys, [ip_id] * len(keys)))


def claim_handed(desk: Desk, worker: Worker, *ips: int, exclude: tuple[int, ...] = ()) -> list[Claimed]:
    found: list[Claimed] = desk.run(worker.claims.claim_handed(100, ips, exclude_lanes=exclude))
    return found


def take_back(books: Books, patience: timedelta = timedelta()) -> bool:
    row = books.execute("SELECT relay.take_back_handed(%s) AS left", [patience]).fetchone()
    assert row
    return bool(row["left"])


def test_what_is_handed_over_is_for_workers_that_have_the_address(
    desk: Desk, account: OpenAccount, worker: Worker, another_worker: Worker
) -> None:
    desk.accept(account(plan=9).message("a@one.test", "b@two.test"))
    hand_over(desk, worker, 7, *worker.claim())
    assert worker.claim() == another_worker.claim() == claim_handed(desk, worker, 8) == []
    taken = claim_handed(desk, another_worker, 6, 7)
    assert {one.rcpt_to for one in taken} == {"a@one.test", "b@two.test"}
    assert taken[0].raw is not None and taken[0].attempts == 0
    assert claim_handed(desk, worker, 7) == []


def test_only_its_holder_can_hand_a_recipient_over(
    desk: Desk, account: OpenAccount, worker: Worker, another_worker: Worker
) -> None:
    desk.accept(account(plan=1).message())
    claimed = worker.claim()
    hand_over(desk, another_worker, 7, *claimed)
    assert claim_handed(desk, another_worker, 7) == []


def test_lanes_that_a_worker_wants_nothing_of_are_left_alone(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    desk.accept(account(plan=2).message("a@one.test", "b@two.test"))
    claimed = worker.claim()
    hand_over(desk, worker, 7, *claimed)
    full = next(one.lane for one in claimed if one.domain == "one.test")
    assert [one.domain for one in claim_handed(desk, worker, 7, exclude=(full,))] == ["two.test"]


def test_what_nobody_comes_for_is_anybodys_again_and_the_address_counts_as_absent(
    desk: Desk, account: OpenAccount, worker: Worker, books: Books, ip_id: int
) -> None:
    desk.accept(account(plan=1).message())
    hand_over(desk, worker, ip_id, *worker.claim())
    assert take_back(books, timedelta(minutes=1))
    assert worker.claim() == []
    assert not take_back(books)
    assert len(worker.claim()) == 1
    rows = books.execute("SELECT id, absent FROM relay.ip_addresses()").fetchall()
    assert {row["id"]: row["absent"] for row in rows}[ip_id]


def test_what_staff_pause_is_set_aside_when_it_is_taken(
    desk: Desk, account: OpenAccount, worker: Worker, books: Books
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    hand_over(desk, worker, 7, *worker.claim())
    books.execute(
        "INSERT INTO relay.pause (account_id, reseller_id, reason, paused_by, paused_at) VALUES (%s, %s, 'why', 'staff', now())",
        [sender.account_id, sender.reseller.id],
    )
    assert claim_handed(desk, worker, 7) == []
    assert [due["paused_by"] is not None for due in sender.due] == [True]
    books.execute("DELETE FROM relay.pause")


# --- two machines ---

ONE, OTHER = "127.0.0.2", "127.0.0.3"
POOLS = (Pool(1, is_default=True), Pool(2))


def ours(number: int, pool_id: int) -> PooledAddress:
    source = Source(number, f"127.0.0.{number}", f"mta{number}.example.net")
    return PooledAddress(source, pool_id, 4, True, Standing.SOUND)


def deliver(
    settings: Settings, book: MemoryBook, here: list[set[str]]
) -> tuple[ScriptedMx, list[DrainReport]]:
    """An engine for each machine, with the addresses that it has, until all of them have run dry."""

    async def main() -> tuple[ScriptedMx, list[DrainReport]]:
        async with await open_pool(settings, size=4) as pool, ScriptedMx() as mx:
            changed = settings.model_copy(update={"delivery_smart_host": f"127.0.0.1:{mx.port}"})
            engines = [
                Engine(
                    changed,
                    PostgresClaims(pool, changed),
                    Surroundings(sources=PoolChooser(book, SystemClock(), is_here=owned.__contains__)),
                )
                for owned in here
            ]
            reports = await asyncio.gather(*(engine.run(time.monotonic() + 20) for engine in engines))
            for engine in engines:
                await engine.close(0.5)
            return mx, list(reports)

    return asyncio.run(main())


def test_mail_goes_out_promptly_whichever_of_two_machines_claims_it(desk: Desk, account: OpenAccount) -> None:
    """Each machine has the only address of one customer's pool."""
    senders = [account(plan=100), account(plan=100)]
    for sender in senders:
        desk.accept(*(sender.message(f"to{n}@one.test") for n in range(40)))
    assigned = {f"r{senders[1].reseller.id}_a{senders[1].account_id}": 2}
    book = MemoryBook(holdings(ours(2, 1), ours(3, 2), pools=POOLS, **assigned))
    began = time.monotonic()
    _, reports = deliver(desk.settings, book, [{ONE}, {OTHER}])
    assert time.monotonic() - began < 10
    assert [sum(report.delivered for report in reports), sum(report.in_flight for report in reports)] == [
        80,
        0,
    ]
    for sender, address in zip(senders, (ONE, OTHER), strict=True):
        events = sender.rows("SELECT source_address FROM event WHERE account_id = %(account)s")
        assert Counter(event["source_address"] for event in events) == {address: 40}


def test_a_recipient_is_handed_over_once_and_not_to_and_fro(
    desk: Desk, account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that has the address is away."""
    monkeypatch.setattr(engine_module, "LINGER_SECONDS", 0.5)
    sender = account(plan=100)
    desk.accept(*(sender.message() for _ in range(10)))
    book = MemoryBook(holdings(ours(3, 1)))
    mx, (report,) = deliver(desk.settings, book, [{ONE}])
    assert (mx.connections, report.claimed, report.handed_over, report.ring_again) == (0, 10, 10, True)
    assert {due["for_ip"] for due in sender.due} == {3}
