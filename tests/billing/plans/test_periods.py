"""Periods begin on the anchor's day at midnight where the account is, one after another without a gap."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.plans.periods import (
    Period,
    end_of_period,
    first_period,
    local_date,
    midnight,
    months_after,
    trial_period,
)

ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Vienna",
        "America/Santiago",
        "Africa/Cairo",
        "America/Havana",
        "Pacific/Apia",
        "Asia/Kolkata",
    ]
)
DAYS = st.dates(date(2010, 1, 1), date(2035, 12, 31))


@pytest.mark.parametrize(
    ("months", "day"),
    [(1, date(2027, 2, 28)), (2, date(2027, 3, 31)), (3, date(2027, 4, 30)), (13, date(2028, 2, 29))],
)
def test_the_31st_is_the_last_day_of_shorter_months_and_the_31st_again_afterwards(
    months: int, day: date
) -> None:
    assert months_after(date(2027, 1, 31), months) == day


@given(DAYS, ZONES, st.integers(0, 60))
def test_each_period_ends_where_the_next_begins_on_the_anchors_day(
    anchor: date, zone: str, number: int
) -> None:
    end, later = (end_of_period(anchor, n, zone) for n in (number, number + 1))
    day = months_after(anchor, number + 1)
    assert local_date(end, zone) == day or local_date(end, zone) - day == timedelta(days=1)
    assert timedelta(days=26) < later - end < timedelta(days=33)
    assert day.day == anchor.day or (day + timedelta(days=1)).day == 1


@given(DAYS, ZONES)
def test_midnight_is_the_first_instant_of_its_day(day: date, zone: str) -> None:
    first = midnight(day, zone)
    assert local_date(first - timedelta(microseconds=1), zone) < day
    assert local_date(first, zone) >= day


@given(
    st.builds(
        datetime,
        st.integers(2010, 2034),
        st.integers(1, 12),
        st.integers(1, 28),
        st.integers(0, 23),
        tzinfo=st.just(UTC),
    ),
    ZONES,
)
def test_the_first_period_begins_at_once_and_ends_at_midnight(start: datetime, zone: str) -> None:
    period = first_period(start, zone)
    assert period.start == start < period.end
    assert period.end == midnight(months_after(local_date(start, zone), 1), zone)


def test_a_midnight_that_the_clocks_leap_over_is_the_instant_of_the_leap() -> None:
    leap = midnight(date(2026, 9, 6), "America/Santiago")
    assert leap == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert leap.astimezone(ZoneInfo("America/Santiago")).hour == 1


def test_a_trial_has_its_days_and_what_is_left_of_the_one_that_has_begun() -> None:
    start = datetime(2026, 11, 10, 12, tzinfo=UTC)
    assert trial_period(start, 14, "UTC").end == datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(("day", "left"), [(0, 10), (10, 10), (15, 5), (20, 0), (25, 0)])
def test_what_is_left_of_a_period_is_never_more_than_all_nor_less_than_nothing(day: int, left: int) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    period = Period(start + timedelta(days=10), start + timedelta(days=20))
    assert period.share_left(start + timedelta(days=day)) == (left * 86400, 10 * 86400)
