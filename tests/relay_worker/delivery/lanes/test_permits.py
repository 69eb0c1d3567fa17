"""Permits: in one process, and over several through Redis."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.asyncio import Redis

from platform_dev.redis import EmbeddedRedis
from relay_worker.delivery.lanes.limits import Bounds
from relay_worker.delivery.lanes.permits import LocalPermits, Refusal, Seat, Step, share_of
from relay_worker.delivery.lanes.shared_permits import SharedPermits
from relay_worker.submission.shared import SharedMemory


@dataclass
class Seconds:
    now: float = 10_000.0

    def __call__(self) -> float:
        return self.now


def bounds(connections: int = 10, *, per_minute: int | None = None, per_hour: int | None = None) -> Bounds:
    return Bounds(connections, per_minute, 100, per_hour)


async def seats(permits: LocalPermits | SharedPermits, count: int, wanted: Bounds) -> list[Seat | Refusal]:
    return [await permits.seat("lane", wanted) for _ in range(count)]


def taken(answers: list[Seat | Refusal]) -> int:
    return sum(isinstance(answer, Seat) for answer in answers)


# --- alone ---


def test_no_more_connections_than_allowed_and_one_for_each_given_back() -> None:
    async def main() -> None:
        permits = LocalPermits()
        answers = await seats(permits, 5, bounds(3))
        assert taken(answers) == 3
        permits.give_back(next(answer for answer in answers if isinstance(answer, Seat)))
        assert taken(await seats(permits, 2, bounds(3))) == 1

    asyncio.run(main())


def test_new_connections_of_any_minute_are_counted() -> None:
    async def main() -> None:
        clock = Seconds()
        permits = LocalPermits(clock)
        answers = await seats(permits, 3, bounds(per_minute=2))
        assert isinstance(answers[2], Refusal) and answers[2].seconds == 60
        clock.now += 60
        assert taken(await seats(permits, 3, bounds(per_minute=2))) == 2

    asyncio.run(main())


def test_messages_of_any_hour_are_counted() -> None:
    async def main() -> None:
        clock, wanted, granted = Seconds(), bounds(per_hour=100), 0
        permits = LocalPermits(clock)
        while isinstance(answer := await permits.messages("lane", wanted), int):
            granted += answer
            clock.now += 30
        assert granted == 100
        clock.now += answer.seconds
        assert isinstance(await permits.messages("lane", wanted), int)

    asyncio.run(main())


# --- together ---

Scene = Callable[[SharedPermits, SharedPermits, Redis], Awaitable[None]]


def together(redis_server: EmbeddedRedis, scene: Scene) -> None:
    async def main() -> None:
        async with Redis.from_url(redis_server.url()) as redis:
            await redis.flushall()
            one, other = SharedPermits(SharedMemory(redis)), SharedPermits(SharedMemory(redis))
            await scene(one, other, redis)

    asyncio.run(main())


def test_workers_share_the_connections_of_a_lane(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        first = await seats(one, 3, bounds(5))
        assert (taken(first), taken(await seats(other, 4, bounds(5)))) == (3, 2)
        assert isinstance(first[0], Seat)
        one.give_back(first[0])
        await asyncio.sleep(0.05)
        assert taken(await seats(other, 2, bounds(5))) == 1

    together(redis_server, scene)


def test_workers_share_the_new_connections_of_a_minute(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        assert taken(await seats(one, 3, bounds(per_minute=4))) == 3
        answers = await seats(other, 2, bounds(per_minute=4))
        assert taken(answers) == 1
        assert isinstance(answers[1], Refusal) and 55 < answers[1].seconds <= 60

    together(redis_server, scene)


def test_workers_share_the_messages_of_an_hour(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        granted = []
        for permits in (one, other) * 30:
            answer = await permits.messages("lane", bounds(per_hour=100))
            granted.append(answer if isinstance(answer, int) else 0)
        assert sum(granted) == 100
        assert isinstance(answer, Refusal) and 0 < answer.seconds <= 3960

    together(redis_server, scene)


def test_a_lane_is_halved_once_for_all_who_hear_a_complaint(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        await seats(one, 3, bounds())
        await seats(other, 5, bounds())
        first = await one.step_back("lane", Step())
        assert first.connections == 4
        assert await other.step_back("lane", Step()) == first
        assert (await other.step_back("lane", first)).name != first.name

    together(redis_server, scene)


def test_one_connection_can_not_be_halved(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        await seats(one, 1, bounds())
        assert await one.step_back("lane", Step()) == Step()

    together(redis_server, scene)


def test_what_stays_of_a_lane_that_shrinks_is_shared_out_among_workers(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        ours, theirs = [
            [seat for seat in await seats(permits, 5, bounds()) if isinstance(seat, Seat)]
            for permits in (one, other)
        ]
        assert await one.open_now("lane") == 10
        assert await one.within("lane", ours, 4) + await other.within("lane", theirs, 4) == 4
        assert await one.within("lane", ours, 10) == 5

    together(redis_server, scene)


def test_a_redis_that_has_forgotten_everything_closes_no_connection(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        ours = [seat for seat in await seats(one, 5, bounds()) if isinstance(seat, Seat)]
        await redis.flushall()
        assert await one.within("lane", ours, 3) == 5
        assert (await one.step_back("lane", Step())).connections == 2

    together(redis_server, scene)


def test_the_connections_of_a_worker_that_was_killed_are_forgotten(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        await seats(one, 5, bounds(5))
        key = "lane:{lane}:open"
        lapsed = {name: score - 61 for name, score in await redis.zrange(key, 0, -1, withscores=True)}
        await redis.zadd(key, lapsed)
        assert taken(await seats(other, 5, bounds(5))) == 5

    together(redis_server, scene)


def test_a_lease_is_renewed_even_when_redis_has_forgotten_everything(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        await seats(one, 4, bounds(5))
        await redis.flushall()
        await one.refresh()
        assert taken(await seats(other, 5, bounds(5))) == 1

    together(redis_server, scene)


def test_without_redis_each_worker_goes_by_its_share(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        for permits in (one, other, one):
            permits._renewed_at = float("-inf")
            await permits.refresh()
        one._shared._resting_until = float("inf")
        assert taken(await seats(one, 10, bounds(6))) == 3
        assert (
            sum([int(isinstance(await one.messages("lane", bounds(per_hour=2)), int)) for _ in range(3)]) == 1
        )

    together(redis_server, scene)


def test_without_redis_a_worker_halves_its_own_share(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        for permits in (one, other, one):
            permits._renewed_at = float("-inf")
            await permits.refresh()
        ours = [seat for seat in await seats(one, 6, bounds()) if isinstance(seat, Seat)]
        one._shared._resting_until = float("inf")
        step = await one.step_back("lane", Step())
        assert (await one.open_now("lane"), step.connections) == (12, 6)
        assert await one.within("lane", ours, step.connections) == 3

    together(redis_server, scene)


def test_a_worker_without_any_redis_still_sends() -> None:
    async def main() -> int:
        return taken(await seats(SharedPermits(SharedMemory(None)), 20, bounds(10)))

    assert asyncio.run(main()) == 10


def test_leaving_gives_everything_back(redis_server: EmbeddedRedis) -> None:
    async def scene(one: SharedPermits, other: SharedPermits, redis: Redis) -> None:
        await seats(one, 5, bounds(5))
        await one.close()
        assert await redis.zcard("lane:{lane}:open") == 0
        assert await redis.zcard("lane:workers") == 0

    together(redis_server, scene)


def test_a_share_is_never_nothing() -> None:
    assert share_of(bounds(3, per_minute=100), 8) == Bounds(1, 12, 100, None)
