"""Countries as VAT law sees them, and their standard rates: data with dates, in the CSV file beside this."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from babel import Locale

from platform_core.errors import NotFound

_MEMBER_STATES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = frozenset(_MEMBER_STATES.split())
# What Babel calls territories are ISO 3166-1, groups of countries, places with a reserved code only, and pseudo-locales.
_NOT_ASSIGNED = "AC CP CQ DG EA EU EZ IC QO TA UN XA XB XK ZZ"
COUNTRIES = frozenset(
    code
    for code in map(str, Locale("en").territories)
    if len(code) == 2 and code.isalpha() and code not in _NOT_ASSIGNED.split()
)


@dataclass(frozen=True, slots=True)
class Rate:
    """A country's standard rate from a day on, in basis points."""

    country: str
    since: date
    basis_points: int


def is_eu(country: str) -> bool:
    """Whether its VAT identification numbers work for reverse charge (Directive 2006/112/EC)."""
    return country in EU


def vat_prefix(country: str) -> str:
    """What its VAT identification numbers begin with: Greece's with EL (Directive 2006/112/EC, article 215)."""
    return "EL" if country == "GR" else country


def standard_rate(country: str, on: date) -> int:
    """In basis points, as in force on that day. Raises NotFound for a country or a day that our table doesn't know."""
    fitting = [rate for rate in rates() if rate.country == country and rate.since <= on]
    if not fitting:
        raise NotFound(f"The VAT rate of {country} on {on} is not known here.")
    return max(fitting, key=lambda rate: rate.since).basis_points


@cache
def rates() -> tuple[Rate, ...]:
    """The whole table."""
    with Path(__file__).with_name("vat_rates.csv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        return tuple(
            Rate(row["country"], date.fromisoformat(row["since"]), int(row["basis_points"])) for row in rows
        )
