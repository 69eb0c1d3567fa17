"""How much a worker takes, and of what."""

from collections.abc import Sequence

from platform_core.ids import MessageId
from relay_worker.delivery.flight import Flight
from relay_worker.queue.claims import Claimed
from tests.relay_worker.delivery.factories import message_to, recipient


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def mail(count: int, lane: int) -> list[Claimed]:
    return [recipient(lane=lane, size=100) for _ in range(count)]


def take(flight: Flight, claimed: Sequence[Claimed]) -> None:
    for each in claimed:
        assert flight.take(each)


def release(flight: Flight, claimed: Sequence[Claimed]) -> None:
    for each in claimed:
        flight.release(each.message_id, each.n)


def test_there_is_room_for_so_many_recipients_and_no_more() -> None:
    flight = Flight(20, 10_000)
    take(flight, [each for lane in range(10) for each in mail(2, lane)])
    assert (len(flight), flight.room()) == (20, 0)


def test_what_landed_makes_room() -> None:
    flight, claimed = Flight(10, 10_000), mail(5, lane=1)
    take(flight, claimed)
    release(flight, claimed[:3])
    assert (len(flight), flight.room()) == (2, 8)


def test_there_is_no_room_beyond_the_bytes_and_a_message_counts_once() -> None:
    flight = Flight(100, 250)
    both = message_to("a@x.test", "b@x.test", raw=b"x" * 150)
    take(flight, both)
    assert flight.room() > 0
    take(flight, [recipient(size=150)])
    assert flight.room() == 0
    release(flight, both)
    assert flight.room() > 0


def test_a_recipient_is_held_once() -> None:
    flight, claimed = Flight(10, 10_000), recipient()
    assert flight.take(claimed)
    assert not flight.take(claimed)


def test_letting_go_twice_does_no_harm() -> None:
    flight, claimed = Flight(10, 10_000), mail(1, lane=1)
    take(flight, claimed)
    release(flight, claimed * 2)
    assert (len(flight), flight.room()) == (0, 10)


def test_a_lane_beyond_its_share_gets_nothing_new_and_leaves_room_to_others() -> None:
    flight = Flight(100, 1_000_000)
    take(flight, mail(90, lane=1) + mail(3, lane=2))
    assert flight.crowded_lanes() == [1]
    assert flight.room() == 100 - 16 - 3


def test_a_lane_that_lands_much_may_hold_much() -> None:
    flight, claimed = Flight(400, 1_000_000), mail(200, lane=1)
    take(flight, claimed)
    release(flight, claimed[:100])
    assert flight.crowded_lanes() == []


def test_a_lane_from_which_nothing_comes_back_is_left_alone_and_not_counted() -> None:
    clock = Seconds()
    flight = Flight(100, 1_000_000, clock)
    take(flight, mail(5, lane=1))
    clock.now += 4
    take(flight, mail(5, lane=2))
    clock.now += 1.5
    assert (flight.crowded_lanes(), flight.room()) == ([1], 95)


def test_stalled_lanes_cannot_take_more_than_four_times_the_limit() -> None:
    clock = Seconds()
    flight = Flight(10, 1_000_000, clock)
    take(flight, [each for lane in range(38) for each in mail(1, lane)])
    clock.now += 6
    assert flight.room() == 2


def test_leases_are_named_by_their_age() -> None:
    clock = Seconds()
    flight = Flight(10, 1_000_000, clock)
    old, new = recipient(), recipient()
    take(flight, [old])
    clock.now += 20
    take(flight, [new])
    assert flight.leased_before(10) == [(old.message_id, 0)]
    flight.renewed([(old.message_id, 0), (MessageId(new.message_id), 7)])
    assert flight.leased_before(10) == []
