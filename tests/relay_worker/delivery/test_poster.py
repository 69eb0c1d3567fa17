"""Posting gathers results for a moment, hurries for hard bounces, and outlasts a database that is away."""

import asyncio
from datetime import UTC, datetime, timedelta

from platform_core.errors import Unavailable
from platform_core.mail.states import BounceKind, RecipientState
from relay_worker.delivery.poster import Poster
from relay_worker.queue.claims import Result
from tests.relay_worker.delivery.factories import InMemoryClaims, recipient

MOMENT = timedelta(seconds=0.05)


class Log(InMemoryClaims):
    """A log that another worker has just posted: what is in it is not ripe, so that nothing younger is taken."""

    def __init__(self, faults: int = 0) -> None:
        super().__init__([])
        self.asked: list[timedelta] = []
        self._faults = faults

    async def post(self, older: timedelta = timedelta()) -> int:
        self.asked.append(older)
        if len(self.asked) <= self._faults:
            raise Unavailable("away")
        return 0 if older else 1


def result(kind: BounceKind | None = None) -> Result:
    one = recipient()
    state = RecipientState.BOUNCED if kind else RecipientState.DELIVERED
    return Result(
        one.reseller_id,
        one.message_id,
        one.n,
        datetime.now(UTC),
        state,
        kind,
        250,
        "",
        "",
        "",
        "",
        "",
        1,
        None,
    )


def posts(log: Log, *results: Result, count: int) -> list[timedelta]:
    """What the log is asked for, `count` times, once these results are in it."""

    async def main() -> None:
        poster = Poster(log, MOMENT.total_seconds())
        work = asyncio.create_task(poster.work())
        poster.logged(results)
        async with asyncio.timeout(5):
            while len(log.asked) < count:
                await asyncio.sleep(0.005)
        await asyncio.sleep(3 * MOMENT.total_seconds())
        work.cancel()

    asyncio.run(main())
    return log.asked


def test_what_came_right_after_another_worker_posted_waits_once_and_no_more() -> None:
    assert posts(Log(), result(), count=2) == [MOMENT, timedelta()]


def test_a_hard_bounce_is_posted_at_once() -> None:
    assert posts(Log(), result(BounceKind.HARD), count=1) == [timedelta()]


def test_a_database_that_is_away_is_asked_again() -> None:
    assert posts(Log(faults=2), result(), count=3)[-1] == timedelta()
