"""Giving mail back to the queue in batches: what can't be sent for now, or not from here. It counts as no attempt."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from platform_core.errors import Unavailable
from platform_core.ids import MessageId
from relay_worker.queue.claims import Claimed

GATHER_SECONDS = 0.05
MAX_BATCH = 500

T = TypeVar("T")

log = structlog.get_logger()


class Postponer(Generic[T]):
    """Calls `give_back` for what has gathered in 50 ms, each with a word of type T: until when, or for which address.

    `released` hears of every recipient that is not ours any more.
    """

    def __init__(
        self,
        give_back: Callable[[Sequence[tuple[MessageId, int]], Sequence[T]], Awaitable[None]],
        released: Callable[[Sequence[Claimed]], None],
    ) -> None:
        self._give_back = give_back
        self._released = released
        self._pending: list[tuple[Claimed, T]] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, recipient: Claimed, word: T) -> None:
        """Give this one back with that word, soon."""
        self._pending.append((recipient, word))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def settle(self) -> None:
        """Return when all is given back."""
        while self._task is not None:
            await asyncio.wait({self._task})

    async def _work(self) -> None:
        try:
            while self._pending:
                await asyncio.sleep(GATHER_SECONDS)
                batch, self._pending = self._pending[:MAX_BATCH], self._pending[MAX_BATCH:]
                await self._put_back(batch)
        finally:
            self._task = None

    async def _put_back(self, batch: Sequence[tuple[Claimed, T]]) -> None:
        """A batch that the database does not take comes back when its leases end: nobody renews them any more."""
        recipients = [recipient for recipient, _ in batch]
        try:
            await self._give_back(
                [(recipient.message_id, recipient.n) for recipient in recipients], [word for _, word in batch]
            )
        except Unavailable as error:
            log.warning("delivery.postpone_failed", recipients=len(batch), error=str(error))
        self._released(recipients)
