"""Lanes: how many connections a destination gets, how they are used, what happens when it takes none."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from relay_worker.delivery.client import Manners
from relay_worker.delivery.connector import Connector
from relay_worker.delivery.lanes.limits import LaneLimits
from tests.relay_worker.delivery.factories import transaction_to
from tests.relay_worker.delivery.harbour import Harbour, Settled, to
from tests.relay_worker.scripted_mx import DROP, SILENCE, Script, ScriptedMx

Scene = Callable[[Harbour, Settled], Awaitable[None]]


def play(
    scene: Scene,
    *,
    connections: int = 10,
    messages: int = 100,
    idle: float = 0.2,
    slots: int = 50,
    wait: float = 2,
) -> Settled:
    """Run a scene with lanes of these limits."""

    async def main() -> Settled:
        settled = Settled()
        connector = Connector(Manners("mta.test", wait, wait, wait), verify_tls=False, rng=random.Random(1))
        limits = LaneLimits(connections, messages, idle)
        lanes = Harbour.build(connector, settled, settled.put_back, limits=limits, slots=slots)
        try:
            await scene(lanes, settled)
        finally:
            await lanes.close()
        return settled

    return asyncio.run(main())


def test_one_transaction_opens_one_connection_and_closes_it_when_idle() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx() as mx:
            lanes.put(to(mx), transaction_to("a@x.test"))
            await settled.have(1)
            assert (mx.connections, mx.open_now) == (1, 1)
            await asyncio.sleep(0.2)
            assert (mx.open_now, mx.verbs[-1]) == (0, "QUIT")

    play(scene, idle=0.1)


def test_an_idle_connection_is_used_again() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx() as mx:
            for number in range(3):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
                await settled.have(number + 1)
            assert mx.connections == 1

    play(scene)


def test_a_backlog_opens_connections_up_to_the_limit() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(Script(delays={"FINAL": 0.01})) as mx:
            for number in range(60):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
            await settled.have(60)
            assert mx.most_open == 3

    assert play(scene, connections=3).codes == {250}


def test_a_few_messages_share_one_connection() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx() as mx:
            for number in range(4):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
            await settled.have(4)
            assert mx.connections == 1

    play(scene)


def test_one_stuck_connection_does_not_hold_up_the_next_message() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(Script(replies={"MAIL": [SILENCE]})) as mx:
            lanes.put(to(mx), transaction_to("stuck@x.test"))
            lanes.put(to(mx), transaction_to("next@x.test"))
            await settled.have(1)
            assert list(settled.answers) == ["next@x.test"]

    play(scene, wait=30)


def test_a_connection_is_closed_after_its_share_of_messages() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx() as mx:
            for number in range(4):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
            await settled.have(4)
            assert mx.connections == 2

    play(scene, messages=2)


def test_a_connection_that_the_server_closed_meanwhile_costs_nothing() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(Script(replies={"MAIL": ["250 ok", DROP]})) as mx:
            for number in range(2):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
            await settled.have(2)
            assert mx.connections == 2

    assert play(scene).codes == {250}


def test_a_421_after_some_messages_is_taken_as_a_wish_for_a_new_connection() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        script = Script(replies={"MAIL": ["250 ok", "421 4.7.0 too many messages in this connection"]})
        async with ScriptedMx(script) as mx:
            for number in range(2):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
            await settled.have(2)

    assert play(scene).codes == {250}


def test_a_server_that_always_says_421_is_not_asked_for_ever() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(Script(replies={"MAIL": "421 4.3.2 no"})) as mx:
            for number in range(3):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
            await settled.have(3)

    assert play(scene).codes == {421}


def test_recipients_too_many_for_one_transaction_go_in_the_next() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(Script(max_recipients=2)) as mx:
            lanes.put(to(mx), transaction_to(*(f"u{number}@x.test" for number in range(5))))
            await settled.have(5)
            assert [len(item.rcpt_to) for item in mx.delivered] == [2, 2, 1]

    assert play(scene).codes == {250}


def test_a_destination_that_is_not_there_answers_all_that_waits_and_is_left_alone() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(Script(replies={"GREETING": DROP}, delays={"GREETING": 0.05})) as mx:
            for number in range(3):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
            await settled.have(3)
            lanes.put(to(mx), transaction_to("late@x.test"))
            await settled.have(4)
            assert mx.connections == 1

    assert play(scene).codes == {451}


def test_a_destination_that_takes_nobody_now_tells_one_and_the_rest_is_put_back() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(
            Script(replies={"GREETING": "421 4.3.2 busy"}, delays={"GREETING": 0.05})
        ) as mx:
            for number in range(3):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
            await settled.have(3)
            lanes.put(to(mx), transaction_to("late@x.test"))
            assert mx.connections == 1
        assert lanes.lanes.closed_lanes() == [transaction_to("a@x.test").recipients[0].lane]

    settled = play(scene)
    assert (list(settled.answers), settled.codes) == (["u0@x.test"], {421})
    assert list(settled.postponed) == ["u1@x.test", "u2@x.test", "late@x.test"]


def test_a_complaint_is_heard_behind_the_refusal_of_another_recipient() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        slower = "450 4.7.1 too much mail from you, try again in 600 seconds"
        script = Script(recipients={"gone@x.test": "550 5.1.1 no such user", "busy@x.test": slower})
        async with ScriptedMx(script) as mx:
            lanes.put(to(mx), transaction_to("gone@x.test", "busy@x.test"))
            await settled.have(2)
            lanes.put(to(mx), transaction_to("late@x.test"))
            await settled.have(3)

    assert list(play(scene).postponed) == ["late@x.test"]


def test_a_refusal_for_good_is_said_to_one_message_at_a_time() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(Script(replies={"GREETING": ["554 5.7.1 not you", "554 5.7.1 not you"]})) as mx:
            for number in range(3):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
            await settled.have(3)

    assert sorted(answer.reply.code for answer in play(scene).answers.values()) == [250, 554, 554]


def test_a_server_that_takes_no_second_connection_gets_all_on_the_first() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        script = Script(
            delays={"FINAL": 0.01}, replies={"GREETING": ["220 welcome", *["421 4.7.0 one only"] * 50]}
        )
        async with ScriptedMx(script) as mx:
            for number in range(30):
                lanes.put(to(mx), transaction_to(f"u{number}@x.test"))
                await asyncio.sleep(0.002)
            await settled.have(30)
            assert mx.connections <= 10

    assert play(scene).codes == {250}


def test_an_idle_connection_makes_room_for_another_lane() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx() as one, ScriptedMx() as two:
            lanes.put(to(one, "one.test"), transaction_to("a@x.test"))
            await settled.have(1)
            began = time.monotonic()
            lanes.put(to(two, "two.test"), transaction_to("b@x.test"))
            await settled.have(2)
            assert time.monotonic() - began < 10  # not after the minute that the connection may idle

    assert play(scene, slots=1, idle=60).codes == {250}


def test_lanes_that_wait_for_a_permit_get_it_when_a_busy_one_ends() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(Script(delays={"FINAL": 0.05})) as mx:
            for number in range(5):
                lanes.put(to(mx, f"mx{number}.test"), transaction_to(f"u{number}@x.test"))
            await settled.have(5)
            assert mx.most_open <= 2

    assert play(scene, slots=2, idle=60).codes == {250}


def test_closing_answers_what_is_under_way_as_lost() -> None:
    async def scene(lanes: Harbour, settled: Settled) -> None:
        async with ScriptedMx(Script(replies={"MAIL": SILENCE})) as mx:
            lanes.put(to(mx), transaction_to("a@x.test"))
            while "MAIL" not in mx.verbs:
                await asyncio.sleep(0.005)
            await lanes.close()

    assert play(scene, wait=30).codes == {451}
