"""The door at acceptance with a counter beside it."""

import time
from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from platform_core.monitoring.tallies import SIZES, Spread, Tally
from relay_worker.queue.door import Door, Route, SmtpHostname, Submission, Verdict


class MeasuredDoor(Collector):
    """A `Door` that counts what goes through another one. The counting costs a microsecond a message or less."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._verdicts = Tally(
            "frankpost_accept_messages", "Messages that were handed in, by verdict.", ["verdict"]
        )
        self._seconds = Spread("frankpost_accept_seconds", "Time of one commit of accepted messages.")
        self._sizes = Spread("frankpost_accept_batch_messages", "Messages in one commit.", SIZES)
        self._failed = Tally(
            "frankpost_accept_failures", "Commits that the database did not answer.", ["error"]
        )

    async def route(self, user_name: str) -> Route | None:
        return await self._door.route(user_name)

    async def hostnames(self) -> list[SmtpHostname]:
        return await self._door.hostnames()

    async def ingest(self, batch: Sequence[Submission]) -> list[Verdict]:
        began = time.perf_counter()
        try:
            verdicts = await self._door.ingest(batch)
        except Exception as error:
            self._failed.add([type(error).__name__])
            raise
        self._seconds.add(time.perf_counter() - began)
        self._sizes.add(len(batch))
        self._verdicts.add(verdicts)
        return verdicts

    def collect(self) -> Iterator[Metric]:
        for one in self._verdicts, self._seconds, self._sizes, self._failed:
            yield one.family()
