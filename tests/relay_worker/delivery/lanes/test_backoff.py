"""How a lane gives way, and how it comes back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from relay_worker.bounces.throttle import Strain, Throttle
from relay_worker.delivery.lanes.backoff import BackOff
from relay_worker.queue.traffic_desk import LaneState
from relay_worker.traffic.rules import Reaction

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MOST = 10


class Lane:
    """A lane of ten connections at a stopped clock; each complaint is about something begun after the last one."""

    def __init__(
        self,
        *,
        changed_at: datetime = START,
        connections: int | None = None,
        closed_until: datetime | None = None,
    ) -> None:
        self.now = START
        self.backoff = BackOff(
            LaneState(
                1, "", "mx.test", "default", changed_at, connections=connections, closed_until=closed_until
            )
        )

    def complain(
        self, wait: timedelta | None = None, *, working: int = 1, strain: Strain = Strain.RATE
    ) -> None:
        self.now += timedelta(seconds=1)
        if self.backoff.throttled(self.now, began=self.now):
            self.backoff.give_way(Throttle(strain, wait), self.now, "450 slow down", left=working // 2)

    def deliver(self, messages: int = 1) -> None:
        for _ in range(messages):
            self.backoff.went_through()
            if not self.backoff.eased:
                self.backoff.recover(self.now, MOST)

    def until_paused(self) -> timedelta:
        """Complaints on one connection until the lane closes; for how long."""
        while self.backoff.state.closed_until is None or self.backoff.state.closed_until <= self.now:
            self.complain()
        return self.backoff.state.closed_until - self.now

    @property
    def connections(self) -> int | None:
        return self.backoff.state.connections


def test_connections_are_halved_down_to_one_before_there_is_a_pause() -> None:
    lane, seen = Lane(), []
    for working in (10, 5, 2):
        lane.complain(working=working)
        seen.append(lane.connections)
    assert (seen, lane.backoff.state.closed_until) == ([5, 2, 1], None)
    assert lane.until_paused() == 10 * MINUTE


def test_pauses_double_up_to_two_hours_while_nothing_goes_through() -> None:
    lane, pauses = Lane(), []
    for _ in range(6):
        pauses.append(lane.until_paused() / MINUTE)
        lane.now += timedelta(hours=3)
    assert pauses == [10, 20, 40, 80, 120, 120]


def test_a_few_deliveries_after_a_pause_are_forgiveness() -> None:
    lane = Lane()
    lane.until_paused()
    lane.now += 11 * MINUTE
    lane.deliver(5)
    lane.now += 3 * MINUTE
    assert lane.until_paused() == 10 * MINUTE


def test_a_server_that_is_out_of_connections_only_is_asked_again_after_a_minute() -> None:
    lane = Lane()
    lane.backoff.shut_out(Throttle(Strain.BUSY, None), START, "421 busy")
    assert lane.backoff.state.closed_until == START + MINUTE


def test_a_time_named_by_the_server_is_kept_within_bounds() -> None:
    for asked, kept in (
        (5 * MINUTE, 5 * MINUTE),
        (timedelta(seconds=2), MINUTE),
        (24 * 60 * MINUTE, 240 * MINUTE),
    ):
        lane = Lane()
        lane.complain(asked, working=10)
        assert lane.backoff.state.closed_until == lane.now + kept


def test_one_connection_comes_back_each_minute_with_deliveries_until_all_are_there() -> None:
    lane, seen = Lane(connections=7), []
    for _ in range(4):
        lane.deliver(3)
        seen.append(lane.connections)
        lane.now += MINUTE
    assert seen == [7, 8, 9, None]
    assert lane.backoff.eased


def test_the_first_connection_more_comes_a_minute_after_a_pause_not_with_it() -> None:
    lane = Lane()
    lane.until_paused()
    lane.now += 10 * MINUTE
    lane.deliver(2)
    assert lane.connections == 1
    lane.now += MINUTE
    lane.deliver()
    assert lane.connections == 2


def test_nothing_comes_back_without_deliveries() -> None:
    lane = Lane(connections=2)
    lane.now += 60 * MINUTE
    lane.complain()
    assert lane.connections == 1


def test_a_complaint_among_many_deliveries_is_not_about_the_lane() -> None:
    lane = Lane()
    lane.deliver(40)
    lane.complain(working=10)
    assert lane.backoff.eased


def test_what_began_before_the_last_step_back_is_no_answer_to_it() -> None:
    lane = Lane()
    lane.complain(working=10)
    assert not lane.backoff.throttled(lane.now + MINUTE, began=lane.now - MINUTE)


def test_connections_that_are_not_taken_show_how_many_are() -> None:
    lane = Lane()
    lane.backoff.turned_away(START, "421 too many connections", working=3)
    assert (lane.connections, lane.backoff.state.closed_until) == (3, None)


def test_a_reaction_of_a_rule_pauses_and_leaves_one_connection() -> None:
    lane = Lane()
    lane.backoff.reacted(Reaction("tss04", pause_seconds=7200), START, "421 4.7.0 [TSS04]")
    assert (lane.connections, lane.backoff.state.closed_until) == (1, START + timedelta(hours=2))
    assert lane.backoff.state.reason == "421 4.7.0 [TSS04]"


def test_a_bound_rate_holds_for_its_time_and_is_lifted_by_a_delivery_after_it() -> None:
    lane = Lane()
    lane.backoff.reacted(Reaction("rate limited", messages_per_minute=1, hold_seconds=5400), START, "450")
    lane.now += 89 * MINUTE
    lane.deliver()
    assert lane.backoff.state.per_minute == 1
    lane.now += 2 * MINUTE
    lane.deliver()
    assert (lane.backoff.state.per_minute, lane.connections) == (None, 2)


@pytest.mark.parametrize("newer", [True, False])
def test_the_later_word_of_another_worker_counts_and_a_longer_closure_always(newer: bool) -> None:
    lane = Lane(connections=4)
    closed_until = START + 10 * MINUTE
    theirs = LaneState(
        1,
        "",
        "mx.test",
        "default",
        START + MINUTE if newer else START - MINUTE,
        connections=1,
        closed_until=closed_until,
    )
    lane.backoff.adopt(theirs, known=True)
    assert (lane.connections, lane.backoff.state.closed_until) == (1 if newer else 4, closed_until)


@pytest.mark.parametrize("known", [True, False])
def test_a_lane_that_others_open_is_open_unless_they_do_not_know_why_we_closed_it(known: bool) -> None:
    lane = Lane(closed_until=START + 10 * MINUTE)
    lane.backoff.adopt(LaneState(1, "", "mx.test", "default", START + MINUTE), known=known)
    assert (lane.backoff.state.closed_until is None) is known


def test_a_closure_that_was_over_at_the_last_word_is_not_taken_up_again() -> None:
    lane = Lane(changed_at=START + 20 * MINUTE)
    lane.backoff.adopt(replace(lane.backoff.state, closed_until=START + 10 * MINUTE), known=True)
    assert lane.backoff.eased
