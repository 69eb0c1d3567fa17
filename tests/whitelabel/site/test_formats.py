"""How numbers, rates and times look."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask_babel import Babel

from whitelabel.site.formats import duration, milliseconds, moment, moment_exact, number, rate, size


@pytest.fixture(autouse=True)
def in_vienna() -> Iterator[None]:
    app = Flask("formats")
    Babel(app, locale_selector=lambda: "en", timezone_selector=lambda: "Europe/Vienna")
    with app.test_request_context():
        yield


def test_what_is_not_known_is_a_dash() -> None:
    assert {number(None), rate(None), moment(None), moment_exact(None), duration(None)} == {"\u2013"}


def test_numbers_are_grouped() -> None:
    assert number(1234567) == "1,234,567"


@pytest.mark.parametrize(("share", "shown"), [(1.0, "100%"), (0.0, "0%"), (0.98765, "98.8%")])
def test_a_rate_has_one_decimal_at_most(share: float, shown: str) -> None:
    assert rate(share) == shown


def test_times_are_local_and_say_so_when_exact() -> None:
    at = datetime(2026, 7, 1, 22, 30, 5, tzinfo=UTC)
    assert moment(at) == "2 Jul, 00:30"
    assert moment_exact(at) == "2 Jul 2026, 00:30:05 GMT+02:00"


@pytest.mark.parametrize(
    ("stretch", "shown"),
    [
        (timedelta(seconds=40), "40 seconds"),
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(hours=30), "30 hours"),
    ],
)
def test_a_stretch_of_time_has_the_unit_that_fits(stretch: timedelta, shown: str) -> None:
    assert duration(stretch) == shown


def test_small_amounts_have_small_units() -> None:
    assert (milliseconds(184), milliseconds(12_340)) == ("184 ms", "12.3 s")
    assert (size(300), size(6_200), size(2_500_000)) == ("1 kB", "6 kB", "2.5 MB")
