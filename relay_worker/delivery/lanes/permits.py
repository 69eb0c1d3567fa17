"""Permits: what all connections to a lane together may do, counted in this process."""

import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from relay_worker.delivery.lanes.limits import Bounds

MINUTE = 60.0
SLOTS = 10  # of an hour: so finely the messages of the last hour are counted
SLOT_SECONDS = 3600.0 / SLOTS
FULL_SECONDS = 2.0  # after which it makes sense to ask again for a connection that others have


@dataclass(frozen=True, slots=True)
class Seat:
    """One connection counted on a lane, until it is given back."""

    lane: str
    name: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not now; asking again makes sense after so many seconds."""

    seconds: float


class Permits(Protocol):
    """Counts what lanes do. Needs a running event loop; never raises."""

    async def seat(self, lane: str, bounds: Bounds) -> Seat | Refusal:
        """For one connection more."""
        ...

    def give_back(self, seat: Seat) -> None:
        """The connection is closed."""
        ...

    async def messages(self, lane: str, bounds: Bounds) -> int | Refusal:
        """So many messages may go now; what is not used within a minute lapses."""
        ...

    async def refresh(self) -> None:
        """To be called every second: what is held stays held."""
        ...

    async def close(self) -> None:
        """Give back what is still held."""
        ...


class LocalPermits:
    """For a worker that is alone, or cut off from the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._opened: defaultdict[str, deque[float]] = defaultdict(deque)
        self._sent: defaultdict[str, dict[int, int]] = defaultdict(dict)

    async def seat(self, lane: str, bounds: Bounds) -> Seat | Refusal:
        return self.seat_at_once(lane, bounds)

    def seat_at_once(self, lane: str, bounds: Bounds) -> Seat | Refusal:
        if self._open[lane] >= bounds.connections:
            return Refusal(FULL_SECONDS)
        if bounds.connections_per_minute is not None:
            now, opened = self._clock(), self._opened[lane]
            while opened and opened[0] <= now - MINUTE:
                opened.popleft()
            if len(opened) >= bounds.connections_per_minute:
                return Refusal(opened[0] + MINUTE - now)
            opened.append(now)
        self._open[lane] += 1
        return Seat(lane, uuid4().hex)

    def give_back(self, seat: Seat) -> None:
        self._open[seat.lane] -= 1
        if self._open[seat.lane] <= 0:
            del self._open[seat.lane]

    async def messages(self, lane: str, bounds: Bounds) -> int | Refusal:
        return self.messages_at_once(lane, bounds)

    def messages_at_once(self, lane: str, bounds: Bounds) -> int | Refusal:
        assert bounds.messages_per_hour is not None
        now, sent = self._clock(), self._sent[lane]
        slot = int(now // SLOT_SECONDS)
        for old in [each for each in sent if each < slot - SLOTS]:
            del sent[old]
        granted = min(chunk(bounds.messages_per_hour), bounds.messages_per_hour - sum(sent.values()))
        if granted <= 0:
            return Refusal((min(sent) + SLOTS + 1) * SLOT_SECONDS - now)
        sent[slot] = sent.get(slot, 0) + granted
        return granted

    async def refresh(self) -> None:
        pass

    async def close(self) -> None:
        pass


def chunk(messages_per_hour: int) -> int:
    """How many messages are asked for at once: few enough to be shared, enough to ask seldom."""
    return max(1, min(100, messages_per_hour // 50))


def share_of(bounds: Bounds, workers: int) -> Bounds:
    """One worker's part when the others can't be asked."""
    return Bounds(
        connections=max(1, bounds.connections // workers),
        connections_per_minute=_part(bounds.connections_per_minute, workers),
        messages_per_connection=bounds.messages_per_connection,
        messages_per_hour=_part(bounds.messages_per_hour, workers),
    )


def _part(number: int | None, workers: int) -> int | None:
    return None if number is None else max(1, math.floor(number / workers))
