"""Rules and back-off under a simulated clock: what servers see of us over hours, from one worker and from two."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from statistics import median

import pytest

from platform_core.mail.states import RecipientState
from relay_worker.traffic.rules import Reaction
from tests.relay_worker.delivery.network.conftest import MakeWorld
from tests.relay_worker.delivery.network.simulation import World
from tests.relay_worker.delivery.network.sites import Site, most_within
from tests.relay_worker.delivery.traffic_desk import rule

HOUR = 3600.0


async def until_all_has_ended(world: World) -> None:
    while world.queue.open:
        await world.work(600)


def test_workers_together_keep_to_the_connections_of_a_rule(make_world: MakeWorld) -> None:
    site = Site(think=0.5)
    world = make_world({"a.test": site}, rules=[rule("a", "a.test", connections=3)], workers=2)
    world.play(lambda world: _send(world, "a.test", 300, seconds=120))
    assert (site.most_open, len(site.taken)) == (3, 300)


def test_all_servers_of_one_lane_share_its_connections(make_world: MakeWorld) -> None:
    sites = {"a.test": Site(think=0.5), "b.test": Site(think=0.5)}
    world = make_world(sites, rules=[rule("both", "a.test", "b.test", connections=2)])

    async def scene(world: World) -> int:
        for domain in sites:
            world.queue.put(domain, 50)
        most = 0
        while world.queue.open:
            await world.work(1)
            most = max(most, sum(site.open_now for site in sites.values()))
        return most

    assert world.play(scene) == 2


def test_no_minute_sees_more_new_connections_than_a_rule_allows(make_world: MakeWorld) -> None:
    site = Site()
    limits = rule("a", "a.test", connections_per_minute=6, messages_per_connection=2)
    world = make_world({"a.test": site}, rules=[limits], workers=2)
    world.play(lambda world: _send(world, "a.test", 100, seconds=1200))
    assert (site.busiest(59.9), site.most_messages, len(site.taken)) == (6, 2, 100)


def test_no_hour_sees_more_messages_than_a_rule_allows_and_what_waits_is_no_attempt(
    make_world: MakeWorld,
) -> None:
    site = Site()
    world = make_world({"a.test": site}, rules=[rule("a", "a.test", messages_per_hour=100)], workers=2)
    world.play(lambda world: _send(world, "a.test", 350, seconds=6 * HOUR))
    assert most_within(HOUR, site.taken_at) <= 100
    assert len(site.taken) == 350
    assert {result.state for result in world.queue.results} == {RecipientState.DELIVERED}


UNUSUAL = "421 4.7.28 unusual rate of mail"


def test_after_a_word_of_google_nothing_is_sent_for_ten_minutes_and_then_little(
    make_world: MakeWorld,
) -> None:
    site = Site(per_minute=60, over=UNUSUAL)
    google = rule("google", "g.test", connections=5, reactions=(Reaction("4.7.28", pause_seconds=600),))
    world = make_world({"g.test": site}, rules=[google], workers=2)

    async def scene(world: World) -> None:
        world.queue.put("g.test", 1000)
        await until_all_has_ended(world)

    world.play(scene)
    assert len(site.taken) == 1000
    first = site.refused_at[0]
    assert not [at for at in site.opened_at if first + 1 < at < first + 600]
    assert {count for at, count in site.crowd if first + 600 <= at < first + 660} == {1}


def test_a_lane_that_has_come_back_after_a_pause_is_as_it_was_before(make_world: MakeWorld) -> None:
    site = Site(faults={"MAIL": (1.0, UNUSUAL)})
    google = rule("google", "g.test", connections=2, reactions=(Reaction("4.7.28", pause_seconds=600),))
    world = make_world({"g.test": site}, rules=[google], workers=2)

    async def scene(world: World) -> list[datetime]:
        await _send(world, "g.test", 3, seconds=30)
        site.faults.clear()
        changed = []
        for _ in range(40):
            await _send(world, "g.test", 20, seconds=30)
            changed += [state.changed_at for state in world.desk.states.values()]
        return changed

    changed = world.play(scene)
    assert set(changed[-10:]) == {max(changed)}


def test_a_lane_that_is_throttled_finds_the_rate_that_the_server_bears(make_world: MakeWorld) -> None:
    site = Site(think=0.2, per_minute=100, over="451 4.7.1 you send too fast, slow down")
    world = make_world({"a.test": site})

    async def scene(world: World) -> None:
        world.queue.put("a.test", 3000)
        await until_all_has_ended(world)

    world.play(scene)
    assert len(site.taken) == 3000
    assert len(site.refused_at) < 300


def test_tss04_stops_a_lane_for_two_hours_also_after_a_restart(make_world: MakeWorld) -> None:
    site = Site(faults={"GREETING": (1.0, "421 4.7.0 [TSS04] deferred due to user complaints")})
    yahoo = rule("yahoo", "y.test", reactions=(Reaction("tss04", pause_seconds=7200),))
    world = make_world({"y.test": site}, rules=[yahoo])

    async def scene(world: World) -> None:
        world.queue.put("y.test", 50)
        await world.work(HOUR)
        await world.restart()
        await world.work(HOUR * 0.9)
        assert len(site.opened_at) == 1
        site.faults.clear()
        await until_all_has_ended(world)

    world.play(scene)
    assert site.opened_at[1] - site.opened_at[0] >= 2 * HOUR
    assert len(site.taken) == 50


def test_a_lane_that_is_told_of_a_rate_sends_one_message_a_minute(make_world: MakeWorld) -> None:
    site = Site(per_minute=30, over="451 4.7.0 your messages are rate limited")
    default = Reaction("rate limited", messages_per_minute=1, hold_seconds=5400)
    world = make_world({"a.test": site}, rules=[rule("a", "a.test", reactions=(default,))], workers=2)

    async def scene(world: World) -> None:
        world.queue.put("a.test", 200)
        await world.work(HOUR)

    world.play(scene)
    told = site.refused_at[0]
    slow = [at for at in site.taken_at if at > told + 60]
    assert len(slow) >= 40
    assert all(later - earlier > 55 for earlier, later in pairwise(slow))


def test_mail_to_a_closed_lane_waits_in_the_queue_and_not_in_the_worker(make_world: MakeWorld) -> None:
    busy = Site(faults={"GREETING": (1.0, "421 4.7.0 try again in 3600 seconds")})
    world = make_world({"busy.test": busy, "fine.test": Site()})

    async def scene(world: World) -> None:
        world.queue.put("busy.test", 10_000)
        world.queue.put("fine.test", 500)
        await world.work(600)
        assert len(world.sites["fine.test"].taken) == 500
        assert world.queue.held == 0

    world.play(scene)
    assert len(busy.opened_at) == 1


TOO_FAST = "451 4.7.1 you send too fast, slow down"


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_complaints_of_one_moment_halve_what_all_workers_together_have_once(
    make_world: MakeWorld, workers: int
) -> None:
    """A message is four seconds under way, so that what is complained of within three began before the first complaint."""
    site = Site(latency=0.5, think=2)
    world = make_world({"a.test": site}, rules=[rule("a", "a.test", connections=12)], workers=workers)

    async def scene(world: World) -> list[int]:
        world.queue.put("a.test", 3000)
        working, most = asyncio.create_task(world.work(100)), 10 if workers == 1 else 12
        await _until(lambda: site.open_now == most)
        site.faults["FINAL"] = (1.0, TOO_FAST)
        await asyncio.sleep(3)
        site.faults.clear()
        await asyncio.sleep(12)
        seen = [site.open_now, *(state.connections or 0 for state in world.desk.states.values())]
        await asyncio.sleep(30)
        seen.append(site.open_now)
        working.cancel()
        return seen

    assert world.play(scene) == ([5, 5, 5] if workers == 1 else [6, 6, 6])


def test_a_complaint_about_what_began_after_the_last_step_back_is_another_one(make_world: MakeWorld) -> None:
    site = Site(latency=0.5, think=2)
    world = make_world({"a.test": site}, rules=[rule("a", "a.test", connections=12)], workers=3)

    async def scene(world: World) -> list[int]:
        world.queue.put("a.test", 3000)
        working, seen = asyncio.create_task(world.work(100)), []
        await _until(lambda: site.open_now == 12)
        for _ in range(2):
            site.faults["FINAL"] = (1.0, TOO_FAST)
            await asyncio.sleep(3)
            site.faults.clear()
            await asyncio.sleep(12)
            seen.append(site.open_now)
        working.cancel()
        return seen

    assert world.play(scene) == [6, 3]


def test_connections_that_are_turned_away_cost_no_worker_those_it_has(make_world: MakeWorld) -> None:
    site = Site(latency=0.5, think=2, connections=6)
    limits = rule("a", "a.test", connections=12, messages_per_connection=5)
    world = make_world({"a.test": site}, rules=[limits], workers=3)

    async def scene(world: World) -> list[int]:
        world.queue.put("a.test", 3000)
        working, seen = asyncio.create_task(world.work(100)), []
        await _until(lambda: site.most_open > 6)
        for _ in range(50):
            await asyncio.sleep(1)
            seen.append(site.open_now)
        working.cancel()
        return seen

    # Some may just have been used up.
    assert median(world.play(scene)) >= 5


async def _until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.1)


async def _send(world: World, domain: str, messages: int, *, seconds: float) -> None:
    world.queue.put(domain, messages)
    await world.work(seconds)
