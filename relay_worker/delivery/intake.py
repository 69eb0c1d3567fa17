"""What a worker takes out of the queue: what anybody may send, and what was handed over to its machine."""

import math
import time
from collections.abc import Callable, Sequence

import structlog

from platform_core.errors import Unavailable
from relay_worker.addresses.chooser import SourceChooser
from relay_worker.queue.claims import Claimed, Claims

# Between two questions for what was handed over, as long as there is nothing; a run without mail must ask before it ends.
ASK_SECONDS = 0.3

log = structlog.get_logger()


class Intake:
    """Two claims in one. A machine without addresses of ours asks for the first alone."""

    def __init__(
        self, claims: Claims, sources: SourceChooser, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._claims = claims
        self._sources = sources
        self._seconds = seconds
        self._asked_in_vain_at = -math.inf

    async def claim(self, limit: int, exclude: Sequence[int]) -> list[Claimed]:
        """Up to `limit` recipients, and half as many again that were handed over. Raises Unavailable."""
        claimed = await self._claims.claim(limit, exclude_lanes=exclude)
        return claimed + await self._handed(max(1, limit // 2), exclude)

    async def _handed(self, limit: int, exclude: Sequence[int]) -> list[Claimed]:
        """What was claimed before must not be lost by a fault of this one."""
        addresses = self._sources.here()
        if not addresses or self._seconds() - self._asked_in_vain_at < ASK_SECONDS:
            return []
        try:
            handed = await self._claims.claim_handed(limit, addresses, exclude_lanes=exclude)
        except Unavailable as error:
            log.warning("delivery.claim_failed", error=str(error))
            handed = []
        if not handed:
            self._asked_in_vain_at = self._seconds()
        return handed
