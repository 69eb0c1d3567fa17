"""The table of VAT rates: whole, in order, within the law, and what is known of the present year.

Whoever changes a rate changes it here, too: a slip in a file of numbers is seen by nobody else.
"""

from datetime import date
from itertools import groupby, pairwise

import pytest

from billing.invoices.countries import COUNTRIES, EU, Rate, rates, standard_rate

# Directive 2006/112/EC, article 97 asks for 15 % at least; the highest there is is Hungary's.
LEAST, MOST = 1500, 2700
# In force on 1 July 2026.
OF_2026 = {
    "AT": 2000,
    "BE": 2100,
    "BG": 2000,
    "CY": 1900,
    "CZ": 2100,
    "DE": 1900,
    "DK": 2500,
    "EE": 2400,
    "ES": 2100,
    "FI": 2550,
    "FR": 2000,
    "GR": 2400,
    "HR": 2500,
    "HU": 2700,
    "IE": 2300,
    "IT": 2200,
    "LT": 2100,
    "LU": 1700,
    "LV": 2100,
    "MT": 1800,
    "NL": 2100,
    "PL": 2300,
    "PT": 2300,
    "RO": 2100,
    "SE": 2500,
    "SI": 2200,
    "SK": 2300,
    "CH": 810,
    "GB": 2000,
    "IL": 1800,
    "NO": 2500,
}
# The last day of an old rate and the first of the new one.
CHANGES = [
    ("EE", date(2023, 12, 31), 2000, 2200),
    ("EE", date(2025, 6, 30), 2200, 2400),
    ("FI", date(2024, 8, 31), 2400, 2550),
    ("IL", date(2024, 12, 31), 1700, 1800),
    ("LU", date(2022, 12, 31), 1700, 1600),
    ("LU", date(2023, 12, 31), 1600, 1700),
    ("RO", date(2025, 7, 31), 1900, 2100),
    ("SK", date(2024, 12, 31), 2000, 2300),
    ("CH", date(2023, 12, 31), 770, 810),
]


def by_country() -> dict[str, list[Rate]]:
    """As they stand in the file."""
    return {country: list(lines) for country, lines in groupby(rates(), key=lambda rate: rate.country)}


def test_the_member_states_are_the_27() -> None:
    assert len(EU) == 27
    assert "GB" not in EU
    assert EU <= COUNTRIES


def test_each_member_state_has_one_rate_within_the_law_on_every_day_that_the_table_covers() -> None:
    for country in EU:
        for since in (rate.since for rate in rates() if rate.since >= date(2021, 3, 1)):
            assert LEAST <= standard_rate(country, since) <= MOST, (country, since)


def test_the_lines_of_a_country_stand_together_in_order_and_each_changes_the_rate() -> None:
    assert len(by_country()) == len({rate.country for rate in rates()})
    for lines in by_country().values():
        for earlier, later in pairwise(lines):
            assert earlier.since < later.since, (earlier, later)
            assert earlier.basis_points != later.basis_points, (earlier, later)


def test_it_names_real_countries_alone() -> None:
    assert {rate.country for rate in rates()} <= COUNTRIES


@pytest.mark.parametrize("country", sorted(OF_2026))
def test_the_rates_of_2026_are_right(country: str) -> None:
    assert standard_rate(country, date(2026, 7, 1)) == OF_2026[country]


def test_every_country_of_the_table_is_known_here() -> None:
    assert by_country().keys() == OF_2026.keys()


@pytest.mark.parametrize(("country", "last", "old", "new"), CHANGES)
def test_a_change_came_on_its_day(country: str, last: date, old: int, new: int) -> None:
    following = date.fromordinal(last.toordinal() + 1)
    assert (standard_rate(country, last), standard_rate(country, following)) == (old, new)


def test_no_change_is_in_the_table_that_is_not_known_here() -> None:
    told = {(country, date.fromordinal(last.toordinal() + 1)) for country, last, _old, _new in CHANGES}
    assert {(line.country, line.since) for lines in by_country().values() for line in lines[1:]} == told
