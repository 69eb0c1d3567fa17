"""Permits over all workers, counted in Redis; each worker goes by its own share while Redis can't be asked."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from uuid import uuid4

from redis.asyncio.client import Pipeline

from relay_worker.delivery.lanes.limits import Bounds
from relay_worker.delivery.lanes.permits import (
    FULL_SECONDS,
    MINUTE,
    SLOT_SECONDS,
    SLOTS,
    STEP_SECONDS,
    LocalPermits,
    Refusal,
    Seat,
    Step,
    chunk,
    share_of,
)
from relay_worker.submission.shared import SharedMemory

LEASE = 60  # seconds a connection counts without renewal; those of a killed worker are forgotten after it
RENEW_EVERY = 20.0
_WORKERS = "lane:workers"

# All by the clock of Redis, so that workers need not agree on the time. Each script says "0", or the seconds to wait.
_NOW = "local t = redis.call('TIME') local now = t[1] + t[2] / 1000000 "
_SEAT = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return ARGV[4] end
local per_minute = tonumber(ARGV[3])
if per_minute > 0 then
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[6]))
    if redis.call('ZCARD', KEYS[2]) >= per_minute then
        local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
        return tostring(oldest + tonumber(ARGV[6]) - now)
    end
    redis.call('ZADD', KEYS[2], now, ARGV[1])
    redis.call('EXPIRE', KEYS[2], 2 * tonumber(ARGV[6]))
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[5]), ARGV[1])
redis.call('EXPIRE', KEYS[1], 2 * tonumber(ARGV[5]))
return '0'
"""
)
_RENEW = (
    _NOW
    + """
for _, name in ipairs(ARGV) do redis.call('ZADD', KEYS[1], now + 60, name) end
redis.call('EXPIRE', KEYS[1], 120)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZCARD', KEYS[1])
"""
)
_COUNT = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZCARD', KEYS[1])
"""
)
# The last step back of a lane, for the seconds in which not everybody knows of it. Whoever does not know it is told.
_STEP = (
    _NOW
    + """
local kept = redis.call('HMGET', KEYS[2], 'name', 'connections')
if kept[1] and kept[1] ~= ARGV[1] then return kept end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local left = math.floor(math.max(redis.call('ZCARD', KEYS[1]), tonumber(ARGV[3])) / 2)
if left < 1 then return {ARGV[1], '0'} end
redis.call('HSET', KEYS[2], 'name', ARGV[2], 'connections', left)
redis.call('EXPIRE', KEYS[2], tonumber(ARGV[4]))
return {ARGV[2], tostring(left)}
"""
)
# How many of the seats that are named lie beyond the first so many; one that Redis has forgotten does not.
_BEYOND = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local names, ours, beyond = redis.call('ZRANGE', KEYS[1], 0, -1), {}, 0
table.sort(names)
for n = 2, #ARGV do ours[ARGV[n]] = true end
for n = tonumber(ARGV[1]) + 1, #names do
    if ours[names[n]] then beyond = beyond + 1 end
end
return beyond
"""
)
# A hash of counts by slot of the hour. Says how many are granted, and the seconds to wait when none are.
_MESSAGES = (
    _NOW
    + """
local seconds, slots = tonumber(ARGV[3]), tonumber(ARGV[4])
local slot, sum, first = math.floor(now / seconds), 0, nil
local counts = redis.call('HGETALL', KEYS[1])
for n = 1, #counts, 2 do
    local at = tonumber(counts[n])
    if at < slot - slots then
        redis.call('HDEL', KEYS[1], counts[n])
    else
        sum = sum + counts[n + 1]
        if first == nil or at < first then first = at end
    end
end
local granted = math.min(tonumber(ARGV[1]), tonumber(ARGV[2]) - sum)
if granted <= 0 then return {0, tostring((first + slots + 1) * seconds - now)} end
redis.call('HINCRBY', KEYS[1], slot, granted)
redis.call('EXPIRE', KEYS[1], 7200)
return {granted, '0'}
"""
)


class SharedPermits:
    """`Permits` for one of several workers. A round trip for each connection, and for each chunk of messages."""

    def __init__(self, shared: SharedMemory, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._clock = clock
        self._renewed_at = -math.inf
        self._local = LocalPermits(clock)
        self._me = uuid4().hex
        self._workers = 1
        self._held: dict[str, Seat] = {}
        self._left: list[Seat] = []
        self._forgetting: asyncio.Task[None] | None = None

    async def seat(self, lane: str, bounds: Bounds) -> Seat | Refusal:
        asked = self._local.seat_at_once(lane, bounds)
        if isinstance(asked, Refusal):
            return asked
        self._held[asked.name] = asked
        answer = await self._shared.ask(lambda pipeline: _ask_seat(pipeline, asked, bounds))
        wait = 0.0 if answer is None else float(answer[0])
        if answer is None and self._beyond_share(lane, bounds):
            wait = FULL_SECONDS
        if wait:
            self._drop(asked)
            return Refusal(max(wait, 0.05))
        return asked

    def give_back(self, seat: Seat) -> None:
        if seat.name not in self._held:
            return
        self._drop(seat)
        self._left.append(seat)
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = asyncio.get_running_loop().create_task(self._forget())

    async def messages(self, lane: str, bounds: Bounds) -> int | Refusal:
        answer = await self._shared.ask(lambda pipeline: _ask_messages(pipeline, lane, bounds))
        if answer is None:
            return self._local.messages_at_once(lane, share_of(bounds, self._workers))
        granted, wait = int(answer[0][0]), float(answer[0][1])
        return granted or Refusal(max(wait, 1.0))

    async def open_now(self, lane: str) -> int:
        answer = await self._shared.ask(lambda pipeline: _ask_count(pipeline, lane))
        return self._local.count(lane) * self._workers if answer is None else int(answer[0])

    async def step_back(self, lane: str, last: Step) -> Step:
        ours = self._local.count(lane)
        answer = await self._shared.ask(lambda pipeline: _ask_step(pipeline, lane, last, ours))
        if answer is None:
            step = self._local.step_at_once(lane, last)
            return Step(step.name, step.connections * self._workers)
        name, connections = answer[0]
        return Step(_text(name), int(connections))

    async def within(self, lane: str, seats: Collection[Seat], connections: int) -> int:
        answer = await self._shared.ask(lambda pipeline: _ask_beyond(pipeline, lane, seats, connections))
        if answer is None:
            return min(len(seats), max(1, connections // self._workers))
        return len(seats) - int(answer[0])

    async def refresh(self) -> None:
        """Keep the leases of this worker, and learn how many workers there are."""
        if self._clock() - self._renewed_at >= RENEW_EVERY:
            self._renewed_at = self._clock()
            await self._renew()

    async def close(self) -> None:
        for seat in list(self._held.values()):
            self.give_back(seat)
        if self._forgetting is not None:
            await self._forgetting
        await self._shared.ask(lambda pipeline: _leave_work(pipeline, self._me))

    def _beyond_share(self, lane: str, bounds: Bounds) -> bool:
        ours = sum(seat.lane == lane for seat in self._held.values())
        return ours > share_of(bounds, self._workers).connections

    def _drop(self, seat: Seat) -> None:
        del self._held[seat.name]
        self._local.give_back(seat)

    async def _forget(self) -> None:
        while self._left:
            left, self._left = self._left, []
            await self._shared.ask(lambda pipeline, seats=left: _leave(pipeline, seats))  # type: ignore[misc]

    async def _renew(self) -> None:
        by_lane: defaultdict[str, list[str]] = defaultdict(list)
        for seat in self._held.values():
            by_lane[seat.lane].append(seat.name)
        answer = await self._shared.ask(lambda pipeline: _ask_renewal(pipeline, self._me, by_lane))
        if answer is not None:
            self._workers = max(1, int(answer[0]))


def _open_key(lane: str) -> str:
    """In braces what a cluster spreads keys by: those of one lane stay together."""
    return f"lane:{{{lane}}}:open"


def _ask_seat(pipeline: Pipeline, seat: Seat, bounds: Bounds) -> None:
    pipeline.eval(
        _SEAT,
        2,
        _open_key(seat.lane),
        f"lane:{{{seat.lane}}}:opened",
        seat.name,
        bounds.connections,
        bounds.connections_per_minute or 0,
        FULL_SECONDS,
        LEASE,
        MINUTE,
    )


def _ask_messages(pipeline: Pipeline, lane: str, bounds: Bounds) -> None:
    most = bounds.messages_per_hour or 0
    pipeline.eval(_MESSAGES, 1, f"lane:{{{lane}}}:sent", chunk(most), most, SLOT_SECONDS, SLOTS)


def _ask_count(pipeline: Pipeline, lane: str) -> None:
    pipeline.eval(_COUNT, 1, _open_key(lane))


def _ask_step(pipeline: Pipeline, lane: str, last: Step, ours: int) -> None:
    pipeline.eval(
        _STEP, 2, _open_key(lane), f"lane:{{{lane}}}:step", last.name, uuid4().hex, ours, STEP_SECONDS
    )


def _ask_beyond(pipeline: Pipeline, lane: str, seats: Collection[Seat], connections: int) -> None:
    pipeline.eval(_BEYOND, 1, _open_key(lane), connections, *(seat.name for seat in seats))


def _text(answer: bytes | str) -> str:
    return answer.decode() if isinstance(answer, bytes) else answer


def _ask_renewal(pipeline: Pipeline, worker: str, by_lane: dict[str, list[str]]) -> None:
    pipeline.eval(_RENEW, 1, _WORKERS, worker)
    for lane, names in by_lane.items():
        pipeline.eval(_RENEW, 1, _open_key(lane), *names)


def _leave(pipeline: Pipeline, seats: Sequence[Seat]) -> None:
    for seat in seats:
        pipeline.zrem(_open_key(seat.lane), seat.name)


def _leave_work(pipeline: Pipeline, worker: str) -> None:
    pipeline.zrem(_WORKERS, worker)
