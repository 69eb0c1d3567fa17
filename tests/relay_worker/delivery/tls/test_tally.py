"""Counts of sessions: batches, and a database that is away."""

import asyncio
from datetime import timedelta

import pytest

from platform_core.clock import StoppedClock
from relay_worker.delivery.tls import tally as tally_module
from relay_worker.delivery.tls.levels import TlsFailure
from relay_worker.delivery.tls.tally import TlsTally
from relay_worker.queue.tls_book import PolicyType, TlsCount
from tests.relay_worker.delivery.tls.conftest import NOON, InMemoryBook


def test_sessions_that_came_out_alike_are_one_row(book: InMemoryBook, clock: StoppedClock) -> None:
    async def main() -> None:
        tally = TlsTally(book, clock)
        for failure in (None, None, TlsFailure.EXPIRED):
            tally.add("shop.test", PolicyType.STS, "mx.shop.test", failure, ["mode: testing"])
        await tally.close()

    asyncio.run(main())
    where = NOON.date(), "shop.test", PolicyType.STS, "mx.shop.test"
    assert book.counts == [
        TlsCount(*where, "success", 2, ("mode: testing",)),
        TlsCount(*where, "certificate-expired", 1, ("mode: testing",)),
    ]


def test_a_new_day_is_a_new_row(book: InMemoryBook, clock: StoppedClock) -> None:
    async def main() -> None:
        tally = TlsTally(book, clock)
        tally.add("shop.test", PolicyType.NONE, "mx.shop.test", None)
        clock.advance(timedelta(hours=12))
        tally.add("shop.test", PolicyType.NONE, "mx.shop.test", None)
        await tally.close()

    asyncio.run(main())
    assert [count.day.day for count in book.counts] == [2, 3]


def test_counts_are_written_without_being_asked_for(
    book: InMemoryBook, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally_module, "WRITE_SECONDS", 0.01)

    async def main() -> None:
        tally = TlsTally(book, clock)
        for name in "ab":
            tally.add(f"{name}.test", PolicyType.NONE, "mx.test", None)
            async with asyncio.timeout(5):
                while f"{name}.test" not in {count.domain for count in book.counts}:
                    await asyncio.sleep(0.005)
        await tally.close()

    asyncio.run(main())
    assert [count.sessions for count in book.counts] == [1, 1]


def test_what_the_database_did_not_take_goes_with_the_next_batch(
    book: InMemoryBook, clock: StoppedClock
) -> None:
    async def main() -> None:
        tally = TlsTally(book, clock)
        book.down = True
        tally.add("shop.test", PolicyType.NONE, "mx.shop.test", None)
        await tally.close()
        book.down = False
        tally.add("shop.test", PolicyType.NONE, "mx.shop.test", None)
        await tally.close()

    asyncio.run(main())
    assert [count.sessions for count in book.counts] == [2]


def test_a_long_absence_of_the_database_does_not_fill_the_memory(
    book: InMemoryBook, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally_module, "MAX_WAITING", 3)

    async def main() -> None:
        tally = TlsTally(book, clock)
        for number in range(5):
            tally.add(f"{number}.test", PolicyType.NONE, "mx.test", None)
        await tally.close()

    asyncio.run(main())
    assert [count.domain for count in book.counts] == ["0.test", "1.test", "2.test"]
