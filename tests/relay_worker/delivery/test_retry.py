"""When a deferred recipient is tried again."""

import random
from datetime import timedelta

import pytest

from relay_worker.delivery.retry import RetrySchedule
from tests.relay_worker.delivery.factories import NOW

END = NOW + timedelta(hours=72)


class Middle(random.Random):
    """Chance that always falls in the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def minutes(schedule: RetrySchedule, attempts: int) -> float:
    at = schedule.next_at(attempts, NOW, END)
    assert at is not None
    return (at - NOW) / timedelta(minutes=1)


def test_intervals_double_from_five_minutes_and_then_stay_at_four_hours() -> None:
    schedule = RetrySchedule(Middle())
    assert [minutes(schedule, attempts) for attempts in range(8)] == [5, 10, 20, 40, 80, 160, 240, 240]


@pytest.mark.parametrize("attempts", [0, 3, 9])
def test_the_jitter_spreads_over_a_fifth_both_ways(attempts: int) -> None:
    middle = minutes(RetrySchedule(Middle()), attempts)
    drawn = [minutes(RetrySchedule(random.Random(seed)), attempts) / middle for seed in range(200)]
    assert 0.8 <= min(drawn) < 0.82
    assert 1.18 < max(drawn) <= 1.2


def test_the_last_try_falls_on_the_end_itself() -> None:
    assert RetrySchedule(Middle()).next_at(7, END - timedelta(minutes=1), END) == END


def test_nothing_is_tried_after_the_end() -> None:
    assert RetrySchedule(Middle()).next_at(0, END, END) is None


def at(attempts: int, hint: timedelta) -> timedelta:
    found = RetrySchedule(random.Random(1)).next_at(attempts, NOW, END, hint)
    assert found is not None
    return found - NOW


def test_a_server_that_names_a_time_is_asked_again_then_and_not_before() -> None:
    hint = timedelta(minutes=30)
    assert all(hint <= at(attempts, hint) for attempts in range(8))
    assert at(0, hint) <= hint * 1.2


def test_a_short_time_is_believed_three_times() -> None:
    hint = timedelta(minutes=2)
    assert all(at(attempts, hint) <= hint * 1.2 for attempts in range(3))
    assert at(3, hint) > timedelta(minutes=30)


@pytest.mark.parametrize(("asked", "least"), [(timedelta(seconds=1), 1), (timedelta(days=3), 240)])
def test_no_time_is_shorter_than_a_minute_or_longer_than_four_hours(asked: timedelta, least: int) -> None:
    assert timedelta(minutes=least) <= at(0, asked) <= timedelta(minutes=least) * 1.2
