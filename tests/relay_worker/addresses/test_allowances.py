"""Allowance over many workers: whatever they do and however they die, the stage of the day is never exceeded."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from platform_core.clock import StoppedClock
from platform_core.errors import Unavailable
from relay_worker.addresses.allowances import Allowances
from relay_worker.addresses.book import Holdings, Till
from relay_worker.addresses.providers import Provider
from tests.relay_worker.addresses.fakes import NOON, MemoryBook

TILL = Till(1, Provider.GOOGLE, NOON.date())
LIMIT = 100

# What one of the workers does next.
MOVES = st.one_of(
    st.tuples(st.just("send"), st.integers(1, 40)),
    st.tuples(st.just("put back"), st.integers(1, 40)),
    st.tuples(st.sampled_from(["refill", "lost answer", "die", "close", "idle"]), st.just(0)),
)
STEPS = st.lists(st.tuples(st.integers(0, 3), MOVES), max_size=80)


class LosesAnswers(MemoryBook):
    """Does what it is told, but its answer to the next call never arrives."""

    lose_next = False

    async def take(self, wishes: dict[Till, int]) -> dict[Till, int]:
        granted = await super().take(wishes)
        if self.lose_next:
            raise Unavailable("the connection is gone")
        return granted


async def play(steps: Sequence[tuple[int, tuple[str, int]]]) -> tuple[int, int]:
    """What was sent in all, and what the till says was taken."""
    book, clock = LosesAnswers(Holdings(), LIMIT), StoppedClock(NOON)
    workers = [Allowances() for _ in range(4)]
    held = [0] * 4  # what each has taken out of its hand and may still put back
    sent = 0
    for number, (move, recipients) in steps:
        worker = workers[number]
        book.lose_next = move == "lost answer"
        match move:
            case "send":
                spent = recipients if worker.spend(TILL, recipients, clock.now()) else 0
                held[number] += spent
                sent += spent
            case "put back":
                unsent = min(recipients, held[number])
                worker.restore(TILL, unsent)
                held[number] -= unsent
                sent -= unsent
            case "die":
                workers[number], held[number] = Allowances(), 0
            case "idle":
                clock.advance(timedelta(minutes=10))
            case _:
                with contextlib.suppress(Unavailable):
                    await (worker.give_back(book) if move == "close" else worker.refill(book, clock.now()))
    return sent, book.taken[TILL]


@given(STEPS)
def test_workers_together_never_send_more_than_was_taken_nor_take_more_than_the_stage(
    steps: list[tuple[int, tuple[str, int]]],
) -> None:
    sent, taken = asyncio.run(play(steps))
    assert sent <= taken <= LIMIT


def test_a_workers_share_grows_with_what_is_asked_of_it() -> None:
    async def taken_after(asked: int) -> int:
        book, worker = MemoryBook(Holdings(), 5000), Allowances()
        for _ in range(asked):
            worker.spend(TILL, 1, NOON)
        await worker.refill(book, NOON)
        return book.taken[TILL]

    assert [asyncio.run(taken_after(asked)) for asked in (1, 10, 700)] == [10, 10, 700]
