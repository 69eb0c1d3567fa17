"""Putting mail back that can't be sent for now, in batches; it counts as no attempt."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from platform_core.errors import Unavailable
from relay_worker.queue.claims import Claimed, Claims

GATHER_SECONDS = 0.05
MAX_BATCH = 500

log = structlog.get_logger()


class Postponer:
    """Calls `postpone` for what has gathered in 50 ms. `released` hears of every recipient that is not ours any more."""

    def __init__(self, claims: Claims, released: Callable[[Sequence[Claimed]], None]) -> None:
        self._claims = claims
        self._released = released
        self._pending: list[tuple[Claimed, datetime]] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, recipient: Claimed, until: datetime) -> None:
        """Put this one back until then, soon."""
        self._pending.append((recipient, until))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def settle(self) -> None:
        """Return when all is put back."""
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

    async def _put_back(self, batch: Sequence[tuple[Claimed, datetime]]) -> None:
        """A batch that the database does not take comes back when its leases end: nobody renews them any more."""
        recipients = [recipient for recipient, _ in batch]
        try:
            await self._claims.postpone(
                [(recipient.message_id, recipient.n) for recipient in recipients],
                [until for _, until in batch],
            )
        except Unavailable as error:
            log.warning("delivery.postpone_failed", recipients=len(batch), error=str(error))
        self._released(recipients)
