"""Group commit: whatever sessions have ready goes through the door together, while the next group gathers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from platform_core.errors import Unavailable
from relay_worker.queue.door import Door, Submission, Verdict

Ring = Callable[[], Awaitable[None]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Pending:
    submission: Submission
    verdict: asyncio.Future[Verdict]


class Batcher:
    """One batch is in the database at a time. What arrives meanwhile is the next batch, so batches grow with load.

    A session waits for its verdict and sends nothing more, which bounds what can pend; a session that dies loses its
    wait, not its message.
    """

    def __init__(
        self, door: Door, ring: Ring, *, most_messages: int, most_bytes: int, patience: float
    ) -> None:
        """`patience`: seconds one call of the door may take. `ring` wakes the delivery workers."""
        self._door = door
        self._ring = ring
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._patience = patience
        self._pending: deque[_Pending] = deque()
        self._flight: asyncio.Task[None] | None = None
        self._ringing: asyncio.Task[None] | None = None
        self._ring_wanted = False

    async def submit(self, submission: Submission) -> Verdict:
        """The door's verdict; ACCEPTED is durable. Raises Unavailable when it could not be had."""
        loop = asyncio.get_running_loop()
        pending = _Pending(submission, loop.create_future())
        self._pending.append(pending)
        if self._flight is None:
            self._flight = loop.create_task(self._fly())
        return await pending.verdict

    async def close(self) -> None:
        """Wait until nothing pends and the last bell has rung."""
        while self._flight is not None or self._ringing is not None:
            await asyncio.wait([task for task in (self._flight, self._ringing) if task is not None])

    async def _fly(self) -> None:
        try:
            while self._pending:
                await self._commit(self._take())
        finally:
            self._flight = None

    def _take(self) -> list[_Pending]:
        """The next batch, in order of arrival, within the limits; one message at least."""
        batch = [self._pending.popleft()]
        size = batch[0].submission.size
        while self._pending and len(batch) < self._most_messages:
            size += self._pending[0].submission.size
            if size > self._most_bytes:
                break
            batch.append(self._pending.popleft())
        return batch

    async def _commit(self, batch: list[_Pending]) -> None:
        try:
            verdicts = await self._ingest([pending.submission for pending in batch])
        except Exception as error:
            log.error("relay.batch_failed", messages=len(batch), exc_info=error)
            for pending in batch:
                if not pending.verdict.done():
                    pending.verdict.set_exception(Unavailable("The message could not be stored."))
            return
        for pending, verdict in zip(batch, verdicts, strict=True):
            if not pending.verdict.done():
                pending.verdict.set_result(verdict)
        if Verdict.ACCEPTED in verdicts:
            self._ring_soon()

    async def _ingest(self, submissions: list[Submission]) -> list[Verdict]:
        """Ask the door, and once more after a fault: a connection may have died idle, and the ids make it safe.

        A door that hung has had its time, and so have the clients.
        """
        try:
            return await self._call(submissions)
        except TimeoutError:
            raise
        except Exception as error:
            log.warning("relay.batch_retried", messages=len(submissions), error=type(error).__name__)
            return await self._call(submissions)

    async def _call(self, submissions: list[Submission]) -> list[Verdict]:
        async with asyncio.timeout(self._patience):
            verdicts = await self._door.ingest(submissions)
        if len(verdicts) != len(submissions):
            raise Unavailable("The door gave another number of verdicts than it was given messages.")
        return verdicts

    def _ring_soon(self) -> None:
        # Beside the next batch: a slow Redis must not delay a 250. What a bell misses is found by the sweep.
        self._ring_wanted = True
        if self._ringing is None:
            self._ringing = asyncio.get_running_loop().create_task(self._ring_while_wanted())

    async def _ring_while_wanted(self) -> None:
        """One ring after the other; a commit during one is rung for by the next."""
        try:
            while self._ring_wanted:
                self._ring_wanted = False
                await self._ring()
        except Exception as error:
            log.warning("relay.bell_failed", error=repr(error))
        finally:
            self._ringing = None
