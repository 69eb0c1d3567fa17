"""Recording: small batches, nothing lost, nothing twice."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta

from platform_core.errors import Unavailable
from platform_core.mail.replies import Reply
from relay_worker.delivery.outcome import judge
from relay_worker.delivery.recorder import BATCH, Recorder
from relay_worker.delivery.retry import RetrySchedule
from relay_worker.delivery.transaction import Answer, Stage
from relay_worker.queue.claims import Result
from tests.relay_worker.delivery.factories import NOW, InMemoryClaims, recipient


def results(count: int) -> list[Result]:
    answer = Answer(Reply(250, "", "ok"), Stage.FINAL)
    schedule = RetrySchedule(random.Random(1))
    return [judge(recipient(), answer, NOW, schedule) for _ in range(count)]


class FailsTwice(InMemoryClaims):
    """A database that comes back at the third try."""

    tries = 0

    async def post(self, older: timedelta = timedelta()) -> int:
        """Nothing is kept in a log here."""
        return 0

    async def finish(self, results: Sequence[Result]) -> None:
        self.tries += 1
        if self.tries < 3:
            raise Unavailable("The database is away.")
        await super().finish(results)


def record(claims: InMemoryClaims, batches: list[list[Result]]) -> list[Result]:
    """Add the batches with a turn of the loop in between; what was reported as recorded."""
    reported: list[Result] = []

    async def main() -> None:
        recorder = Recorder(claims, reported.extend)
        for batch in batches:
            for result in batch:
                recorder.add(result)
            await asyncio.sleep(0.01)
        await recorder.settle()
        assert recorder.pending == 0

    asyncio.run(main())
    return reported


def test_a_full_batch_is_recorded_at_once_and_a_rest_soon() -> None:
    claims, all_results = InMemoryClaims(), results(BATCH + 5)
    assert record(claims, [all_results[:BATCH], all_results[BATCH:]]) == all_results
    assert claims.batches == [BATCH, 5]


def test_results_that_trickle_in_are_gathered() -> None:
    claims, all_results = InMemoryClaims(), results(3)
    record(claims, [[result] for result in all_results])
    assert claims.results == all_results
    assert claims.batches == [3]


def test_a_database_that_comes_back_gets_everything_once() -> None:
    claims, all_results = FailsTwice(), results(4)
    assert record(claims, [all_results]) == all_results
    assert claims.results == all_results


def test_recording_begins_anew_after_a_rest() -> None:
    claims = InMemoryClaims()

    async def main() -> None:
        recorder = Recorder(claims, lambda batch: None)
        for result in results(2):
            recorder.add(result)
            await asyncio.sleep(0.1)

    asyncio.run(main())
    assert claims.batches == [1, 1]
