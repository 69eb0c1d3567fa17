"""Permits: what all connections to a lane together may do, counted in this process."""

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from relay_worker.delivery.lanes.limits import Bounds

MINUTE = 60.0
SLOTS = 10  # of an hour: so finely the messages of the last hour are counted
SLOT_SECONDS = 3600.0 / SLOTS
FULL_SECONDS = 2.0  # after which it makes sense to ask again for a connection that others have
STEP_SECONDS = 10  # by then every worker has read in the database that a lane gave way


@dataclass(frozen=True, slots=True)
class Seat:
    """One connection counted on a lane, until it is given back."""

    lane: str
    name: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not now; asking again makes sense after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """A lane gave way: `connections` are left to all workers together, 0 when there is but one, which can't be halved.

    `name` tells one step from another.
    """

    name: str = ""
    connections: int = 0


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

    async def open_now(self, lane: str) -> int:
        """How many connections all together have on the lane."""
        ...

    async def step_back(self, lane: str, last: Step) -> Step:
        """The server has complained: halve what all together have.

        `last` is the step of the lane that the caller has heard of last. Was there another within ten seconds, the
        complaint is no answer to it: nothing is halved, and that step comes back.
        """
        ...

    async def within(self, lane: str, seats: Collection[Seat], connections: int) -> int:
        """How many of these seats may stay when all together may have so many; each worker that asks closes the others.

        In the order of their names, which says nothing, so that a lane that shrinks shrinks for every worker.
        """
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
        self._open: defaultdict[str, set[str]] = defaultdict(set)
        self._steps: dict[str, tuple[float, Step]] = {}
        self._opened: defaultdict[str, deque[float]] = defaultdict(deque)
        self._sent: defaultdict[str, dict[int, int]] = defaultdict(dict)

    async def seat(self, lane: str, bounds: Bounds) -> Seat | Refusal:
        return self.seat_at_once(lane, bounds)

    def seat_at_once(self, lane: str, bounds: Bounds) -> Seat | Refusal:
        if len(self._open[lane]) >= bounds.connections:
            return Refusal(FULL_SECONDS)
        if bounds.connections_per_minute is not None:
            now, opened = self._clock(), self._opened[lane]
            while opened and opened[0] <= now - MINUTE:
                opened.popleft()
            if len(opened) >= bounds.connections_per_minute:
                return Refusal(opened[0] + MINUTE - now)
            opened.append(now)
        seat = Seat(lane, uuid4().hex)
        self._open[lane].add(seat.name)
        return seat

    def give_back(self, seat: Seat) -> None:
        self._open[seat.lane].discard(seat.name)
        if not self._open[seat.lane]:
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

    async def open_now(self, lane: str) -> int:
        return self.count(lane)

    def count(self, lane: str) -> int:
        return len(self._open[lane]) if lane in self._open else 0

    async def step_back(self, lane: str, last: Step) -> Step:
        return self.step_at_once(lane, last)

    def step_at_once(self, lane: str, last: Step) -> Step:
        now = self._clock()
        self._steps = {name: kept for name, kept in self._steps.items() if now - kept[0] < STEP_SECONDS}
        kept = self._steps.get(lane)
        if kept is not None and kept[1].name != last.name:
            return kept[1]
        left = self.count(lane) // 2
        if not left:
            return Step(last.name)
        step = Step(uuid4().hex, left)
        self._steps[lane] = now, step
        return step

    async def within(self, lane: str, seats: Collection[Seat], connections: int) -> int:
        beyond = set(sorted(self._open[lane])[connections:]) if lane in self._open else set()
        return sum(seat.name not in beyond for seat in seats)

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
