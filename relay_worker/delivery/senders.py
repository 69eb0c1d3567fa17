"""The identities of senders, asked for once a minute and not for every message."""

import time
from collections import OrderedDict
from collections.abc import Callable

from relay_worker.queue.claims import Claimed, Claims, SenderIdentity

KEPT_SECONDS = 60.0  # so long a rotated key or a changed host may still be used
MAX_KEPT = 10_000

_Name = tuple[int, int, str]


class Senders:
    """Whose mark a message bears, remembered for a minute."""

    def __init__(self, claims: Claims, clock: Callable[[], float] = time.monotonic) -> None:
        self._claims = claims
        self._clock = clock
        self._kept: OrderedDict[_Name, tuple[float, SenderIdentity]] = OrderedDict()

    async def sender(self, claimed: Claimed) -> SenderIdentity:
        """Raises Unavailable."""
        domain = claimed.header_from.rpartition("@")[2].lower()
        name = claimed.reseller_id, claimed.account_id, domain
        kept = self._kept.get(name)
        if kept is not None and kept[0] > self._clock():
            return kept[1]
        sender = await self._claims.sender(claimed.reseller_id, claimed.account_id, domain)
        self._kept[name] = self._clock() + KEPT_SECONDS, sender
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return sender
