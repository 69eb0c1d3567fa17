"""A network of lanes under a simulated clock: slow destinations, a flood, a day of faults."""

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from platform_core.mail.states import RecipientState
from tests.relay_worker.delivery.network.conftest import MakeWorld
from tests.relay_worker.delivery.network.simulation import World, unreachable
from tests.relay_worker.delivery.network.sites import DROP, NEVER, Site
from tests.relay_worker.delivery.traffic_desk import rule

# --- slow destinations ---

GOOD, BAD = 28, 12  # of 40 destinations three in ten are bad
SECONDS = 60.0


def good_sites() -> dict[str, Site]:
    return {f"good{n}.test": Site(think=1.0) for n in range(GOOD)}


def rate(world: World) -> float:
    """Messages a second that the good ones took, with more due everywhere than anyone can take."""

    async def scene(world: World) -> float:
        for domain in world.sites:
            world.queue.put(domain, 1_000_000)
        await world.work(SECONDS)
        return sum(len(site.taken) for name, site in world.sites.items() if name in good_sites()) / SECONDS

    return world.play(scene)


_alone: list[float] = []


@pytest.fixture
def rate_alone(make_world: MakeWorld) -> float:
    """What they take when there are no others. Simulated once: it comes to the same each time."""
    if not _alone:
        _alone.append(rate(make_world(good_sites())))
    return _alone[0]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(lambda: Site(tarpit=20.0), id="tarpit"),
        pytest.param(lambda: Site(think=60.0), id="slow to take"),
        pytest.param(lambda: Site(latency=5.0), id="far away"),
        pytest.param(lambda: Site(think=NEVER), id="silent"),
        pytest.param(unreachable, id="not there"),
        pytest.param(lambda: Site(faults={"GREETING": (1.0, "421 4.3.2 busy")}), id="busy"),
    ],
)
def test_slow_destinations_leave_the_others_four_fifths_of_their_rate(
    make_world: MakeWorld, rate_alone: float, bad: Callable[[], Site]
) -> None:
    beside = rate(make_world(good_sites() | {f"bad{n}.test": bad() for n in range(BAD)}))
    assert beside >= 0.8 * rate_alone > 0


def test_a_message_takes_one_round_trip_on_a_connection_that_is_in_use(make_world: MakeWorld) -> None:
    site = Site(latency=0.2, think=0.0)
    world = make_world({"far.test": site}, rules=[rule("far", "far.test", connections=1)])

    async def scene(world: World) -> float:
        world.queue.put("far.test", 60)
        await world.work(60)
        assert (len(site.taken), site.most_open) == (60, 1)
        return site.taken_at[-1] - site.taken_at[0]

    # Twice as long if each waited for the answer to the one before it.
    assert world.play(scene) == pytest.approx(59 * 0.4, abs=2)


# --- a flood ---


@pytest.mark.parametrize("domain", ["quiet.test", "flood0.test"], ids=["elsewhere", "to the same place"])
def test_a_million_of_one_reseller_leaves_ten_messages_of_another_seconds(
    make_world: MakeWorld, domain: str
) -> None:
    flood = {f"flood{n}.test": Site() for n in range(10)}
    world = make_world({"quiet.test": Site()} | flood)

    async def scene(world: World) -> list[float]:
        for name in flood:
            world.queue.put(name, 100_000, reseller=1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(world.work(40))
            await asyncio.sleep(20)
            world.queue.put(domain, 10, reseller=2)
        ours = {result.message_id for result in world.queue.results if result.reseller_id == 2}
        assert len(ours) == 10
        return [
            (result.at - world.started_at).total_seconds() - 20
            for result in world.queue.results
            if result.reseller_id == 2
        ]

    assert max(world.play(scene)) < 5


# --- a day of faults ---

FAULTS = (
    ("GREETING", "421 4.3.2 too many connections"),
    ("GREETING", DROP),
    ("MAIL", "421 4.7.0 too many messages"),
    ("MAIL", "451 4.7.1 try later"),
    ("RCPT", "450 4.2.1 rate limit"),
    ("DATA", DROP),
    ("FINAL", "451 4.3.0 disk full"),
)


SITES = 16


def troubled(seed: int) -> Site:
    """A server with a fault or two, of its own pace, that allows so many connections."""
    rng = random.Random(seed)
    return Site(
        latency=rng.uniform(0.001, 0.2),
        think=rng.uniform(0, 1),
        tarpit=rng.choice([0, 0, 0, 2]),
        connections=rng.choice([1, 2, 5, 100]),
        faults={verb: (rng.uniform(0.02, 0.3), reply) for verb, reply in rng.sample(FAULTS, 2)},
        rng=rng,
    )


CONNECTIONS, PER_CONNECTION = 4, 10
_day: list[World] = []


@pytest.fixture
def day(make_world: MakeWorld) -> World:
    """The world after all its mail has come to an end; played once."""
    if not _day:
        world = make_world(
            {f"d{n}.test": troubled(n) for n in range(SITES)},
            delivery_connections_per_destination=CONNECTIONS,
            delivery_messages_per_connection=PER_CONNECTION,
        )
        world.play(until_all_has_ended)
        _day.append(world)
    return _day[0]


async def until_all_has_ended(world: World) -> None:
    for domain in world.sites:
        world.queue.put(domain, 60)
    while world.queue.open:
        await world.work(600)


def test_a_day_of_faults_loses_and_doubles_nothing(day: World) -> None:
    ends = [result for result in day.queue.results if result.state is not RecipientState.DEFERRED]
    assert len(ends) == len({result.message_id for result in ends}) == SITES * 60
    delivered = sum(result.state is RecipientState.DELIVERED for result in ends)
    taken = [count for site in day.sites.values() for count in site.taken.values()]
    assert set(taken) == {1} and len(taken) == delivered


def test_after_a_day_of_faults_all_has_arrived(day: World) -> None:
    assert {len(site.taken) for site in day.sites.values()} == {60}


def test_no_connection_carries_more_messages_than_it_may(day: World) -> None:
    assert max(site.most_messages for site in day.sites.values()) == PER_CONNECTION


def test_no_server_sees_more_connections_than_a_lane_may_open(day: World) -> None:
    assert max(site.most_open for site in day.sites.values()) == CONNECTIONS


def test_a_server_that_refuses_every_connection_is_asked_a_few_times_a_minute(make_world: MakeWorld) -> None:
    busy = Site(faults={"GREETING": (1.0, "421 4.3.2 busy")})
    world = make_world({"busy.test": busy})

    async def scene(world: World) -> None:
        world.queue.put("busy.test", 500)
        await world.work(300)

    world.play(scene)
    assert 0 < busy.busiest(60) <= 4


def test_mail_for_a_dead_host_is_given_up_at_its_time_and_not_before(make_world: MakeWorld) -> None:
    world = make_world({"dead.test": unreachable()})

    async def scene(world: World) -> float:
        world.queue.put("dead.test", 3)
        while world.queue.open:
            await world.work(600)
        return (world.clock.now() - world.started_at).total_seconds() / 3600

    assert 72 <= world.play(scene) < 73
    states = [result.state for result in world.queue.results]
    assert states.count(RecipientState.EXPIRED) == 3
    times = sorted({result.at for result in world.queue.results})
    assert all(later - earlier for earlier, later in pairwise(times))
