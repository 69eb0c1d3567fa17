"""How invoice numbers look: a seller's own format around a number that never skips."""

from datetime import date
from string import Formatter

from platform_core.errors import InvalidInput

MOST_CHARACTERS = 40


def check_format(field: str, text: str) -> None:
    """Raises InvalidInput unless `text` makes a different number for every invoice."""
    try:
        names = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        made = format_number(text, 1, date(2026, 1, 1)), format_number(text, 2, date(2026, 1, 1))
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise InvalidInput(field, f"{text!r} is not a format like {{year}}-{{number:05}}.") from error
    if not names <= {"year", "number"} or made[0] == made[1]:
        raise InvalidInput(field, "The format must hold {number}, and may hold {year}.")
    if not made[0].isprintable() or not 0 < len(made[0]) <= MOST_CHARACTERS:
        raise InvalidInput(
            field, f"The format makes numbers that are longer than {MOST_CHARACTERS} characters."
        )


def format_number(text: str, number: int, on: date) -> str:
    """The number as it stands on the paper."""
    return text.format(number=number, year=on.year)


def series_of(kind: str, text: str, on: date) -> str:
    """Which series counts: one for each year where the format shows the year, else one for ever."""
    return f"{kind}/{on.year}" if "{year" in text else kind
