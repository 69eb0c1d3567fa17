"""Posting: results are logged as they come, and told to the resellers' rows about once a second, many at a time."""

import asyncio
from collections.abc import Sequence

import structlog

from platform_core.errors import Unavailable
from platform_core.mail.states import BounceKind
from relay_worker.queue.claims import Claims, Result

# The longer, the less a result costs where many resellers send at once; so much later the portal shows it.
POST_SECONDS = 1.0

log = structlog.get_logger()


class Poster:
    """Has the log posted while there is something in it that this worker has written."""

    def __init__(self, claims: Claims, seconds: float = POST_SECONDS) -> None:
        self._claims = claims
        self._seconds = seconds
        self._logged = asyncio.Event()
        self._urgent = asyncio.Event()

    def logged(self, results: Sequence[Result]) -> None:
        """These are in the log. A hard bounce is posted at once: the next message must find its address suppressed."""
        self._logged.set()
        if any(result.bounce_kind is BounceKind.HARD for result in results):
            self._urgent.set()

    async def work(self) -> None:
        """Post for ever."""
        while True:
            await self._logged.wait()
            try:
                async with asyncio.timeout(self._seconds):
                    await self._urgent.wait()
            except TimeoutError:
                pass
            await self.post()

    async def post(self) -> None:
        """Post what is logged. When the database is away it stays in the log, and somebody will."""
        self._logged.clear()
        self._urgent.clear()
        try:
            await self._claims.post()
        except Unavailable as error:
            log.warning("delivery.post_failed", error=str(error))
            self._logged.set()
            await asyncio.sleep(self._seconds)
