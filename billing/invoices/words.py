"""What an invoice says, in its language: the words of the theme, dates, figures and money as they are written there."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType

from babel.dates import format_date
from babel.numbers import format_decimal

from billing.invoices.document import Line
from billing.invoices.parties import LANGUAGES
from billing.money import Money
from platform_core.settings import ROOT

FOLDER = ROOT / "themes" / "default" / "invoices"
RIGHT_TO_LEFT = frozenset({"he"})


@dataclass(frozen=True, slots=True)
class Words:
    """One language's. `said` holds the sentences by their names, with places in braces."""

    language: str
    said: MappingProxyType[str, str]

    def say(self, name: str, **values: object) -> str:
        """The sentence of that name; a value is put in as it is, so that a name like `{x}` in it stays."""
        return self.said[name].format(**values)

    @property
    def direction(self) -> str:
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def day(self, on: date) -> str:
        return format_date(on, "medium", locale=self.language)

    def period(self, since: date | None, until: date | None) -> str:
        """From day to day, or the one day; "" without any."""
        days = dict.fromkeys(self.day(on) for on in (since, until) if on)
        return " \N{EN DASH} ".join(days)

    def count(self, number: int) -> str:
        return format_decimal(number, locale=self.language)

    def money(self, amount: int, currency: str) -> str:
        """`amount` in minor units."""
        return Money(amount, currency).text(self.language)

    def rate(self, basis_points: int) -> str:
        """`20%`, `25.5%`; written here, because Babel would round."""
        share = Decimal(basis_points).scaleb(-2)
        return f"{format_decimal(share.normalize(), locale=self.language)}\N{NO-BREAK SPACE}%"

    def line(self, line: Line) -> str:
        """What a line is for. What the kind's own words have no place for comes behind them."""
        words = self.said[line.kind]
        if "{detail}" in words:
            return words.format(detail=line.detail)
        return f"{words} · {line.detail}" if line.detail else words


@cache
def words_in(language: str) -> Words:
    """The words of one of LANGUAGES."""
    if language not in LANGUAGES:
        raise ValueError(f"There are no words in {language!r}.")
    said = json.loads((FOLDER / "words" / f"{language}.json").read_text(encoding="utf-8"))
    return Words(language, MappingProxyType(said))
