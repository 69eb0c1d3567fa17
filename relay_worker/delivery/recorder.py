"""Recording results in small batches: a crash may double what was not recorded yet, so that is kept little."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from relay_worker.queue.claims import Claims, Result

BATCH = 25
MAX_BATCH = 500  # after a database fault much may have piled up
MOST_UNRECORDED = 4 * BATCH
GATHER_SECONDS = 0.05
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)

log = structlog.get_logger()


class Recorder:
    """Calls `finish` for about 25 results or 50 ms at a time, and again until it works.

    `recorded` is called with every batch that is in the database for good. `has_room` is set while results may come: not
    while the last try has failed, or too much waits. What is not recorded is sent again when this process dies.
    """

    def __init__(self, claims: Claims, recorded: Callable[[Sequence[Result]], None]) -> None:
        self._claims = claims
        self._recorded = recorded
        self._pending: list[Result] = []
        self.has_room = asyncio.Event()
        self.has_room.set()
        self._enough = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, result: Result) -> None:
        """Take a result; it is recorded soon."""
        self._pending.append(result)
        if len(self._pending) >= BATCH:
            self._enough.set()
        if len(self._pending) >= MOST_UNRECORDED:
            self.has_room.clear()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    @property
    def pending(self) -> int:
        """Results that are not in the database yet, as far as they are not being written now."""
        return len(self._pending)

    async def settle(self) -> None:
        """Return when all is recorded; with a database fault that is never, so put a limit on it."""
        self._enough.set()
        while self._task is not None:
            await asyncio.wait({self._task})

    async def _work(self) -> None:
        """Ends when nothing is left."""
        try:
            while self._pending:
                await self._gather()
                await self._record()
        finally:
            self._task = None

    async def _gather(self) -> None:
        if len(self._pending) < BATCH and not self._enough.is_set():
            try:
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._enough.wait()
            except TimeoutError:
                pass
        self._enough.clear()

    async def _record(self) -> None:
        batch = self._pending[:MAX_BATCH]
        attempt = 0
        while not await self._finished(batch):
            self.has_room.clear()
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1
        del self._pending[: len(batch)]
        if len(self._pending) < MOST_UNRECORDED:
            self.has_room.set()
        if len(self._pending) >= BATCH:
            self._enough.set()
        self._recorded(batch)

    async def _finished(self, batch: Sequence[Result]) -> bool:
        """One try. Results are never thrown away, whatever the fault: the mail they speak of has been sent."""
        try:
            await self._claims.finish(batch)
        except Exception as error:
            log.warning("delivery.finish_failed", results=len(batch), error=repr(error))
            return False
        return True
