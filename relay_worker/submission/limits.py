"""How many connections an address and an account may hold, over all relay processes, and how much memory mail may take."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import Self
from uuid import uuid4

from redis.asyncio.client import Pipeline

from relay_worker.submission.shared import SharedMemory

LEASE = 60  # seconds a connection counts without renewal; those of a killed process are forgotten after it
RENEW_EVERY = 20  # seconds
_FORGET_AFTER = 0.05  # seconds in which ended connections are collected for one round trip


class Seat:
    """One connection counted under `key`, until it is given back."""

    __slots__ = ("key", "name")

    def __init__(self, key: str) -> None:
        self.key = key
        self.name = uuid4().hex


class ConnectionLimit:
    """Connections per key: counted here at once, and in Redis over all processes as sorted sets of leases."""

    def __init__(self, shared: SharedMemory) -> None:
        self._shared = shared
        self._local: Counter[str] = Counter()
        self._seats: set[Seat] = set()
        self._left: list[Seat] = []
        self._forgetting: asyncio.Task[None] | None = None

    async def take(self, key: str, most: int) -> Seat | None:
        """A seat, or None when `most` are taken."""
        if self._local[key] >= most:
            return None
        seat = Seat(key)
        self._local[key] += 1
        self._seats.add(seat)
        answer = await self._shared.ask(lambda pipeline: _take(pipeline, seat))
        if answer is not None and int(answer[2]) > most:
            self.give_back(seat)
            return None
        return seat

    def give_back(self, seat: Seat) -> None:
        if seat not in self._seats:
            return
        self._seats.discard(seat)
        self._local[seat.key] -= 1
        if not self._local[seat.key]:
            del self._local[seat.key]
        self._left.append(seat)
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = asyncio.get_running_loop().create_task(self._forget())

    async def _forget(self) -> None:
        while self._left:
            await asyncio.sleep(_FORGET_AFTER)
            left, self._left = self._left, []
            await self._shared.ask(lambda pipeline, seats=left: _leave(pipeline, seats))  # type: ignore[misc]

    async def renew_for_ever(self) -> None:
        """Keep the leases of this process; ends by cancellation."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            seats = list(self._seats)
            if seats:
                await self._shared.ask(lambda pipeline, seats=seats: _renew(pipeline, seats))  # type: ignore[misc]

    async def close(self) -> None:
        """Wait until the last seats given back are told to Redis."""
        if self._forgetting is not None:
            await self._forgetting


def _take(pipeline: Pipeline, seat: Seat) -> None:
    now = time.time()
    pipeline.zremrangebyscore(seat.key, "-inf", now)
    pipeline.zadd(seat.key, {seat.name: now + LEASE})
    pipeline.zcard(seat.key)
    pipeline.expire(seat.key, 2 * LEASE)


def _leave(pipeline: Pipeline, seats: Iterable[Seat]) -> None:
    for seat in seats:
        pipeline.zrem(seat.key, seat.name)


def _renew(pipeline: Pipeline, seats: Iterable[Seat]) -> None:
    until = time.time() + LEASE
    for seat in seats:
        pipeline.zadd(seat.key, {seat.name: until})
        pipeline.expire(seat.key, 2 * LEASE)


class Memory:
    """Bytes of mail that this process holds, from the first octet of DATA to the commit."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0


class Hold:
    """The part of the memory that one message takes; given back when the `with` block ends."""

    __slots__ = ("_memory", "_size")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._size = 0

    def grow_to(self, size: int) -> bool:
        """Hold `size` bytes instead of what is held so far; False, and nothing changed, when there is no room."""
        if self._memory.held + size - self._size > self._memory.most:
            return False
        self._memory.held += size - self._size
        self._size = size
        return True

    def give_back(self) -> None:
        self._memory.held -= self._size
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()
