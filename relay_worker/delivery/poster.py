"""Posting: results are logged as they come, and told to the resellers' rows about once a second, many at a time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

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
        self._put_off = False

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
            await self._post_when_ripe()

    async def post(self, older: timedelta = timedelta()) -> int:
        """Post what is logged. When the database is away it stays in the log, and somebody will."""
        self._logged.clear()
        self._urgent.clear()
        try:
            return await self._claims.post(older)
        except Unavailable as error:
            log.warning("delivery.post_failed", error=str(error))
            self._logged.set()
            await asyncio.sleep(self._seconds)
            return 0

    async def _post_when_ripe(self) -> None:
        """When another worker has posted a moment ago, what came since can wait another moment: the more at a time, the
        better. But only once.
        """
        ripe = self._urgent.is_set() or self._put_off
        self._put_off = (
            not await self.post(timedelta() if ripe else timedelta(seconds=self._seconds)) and not ripe
        )
        if self._put_off:
            self._logged.set()
