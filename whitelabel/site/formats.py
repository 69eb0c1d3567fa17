"""How numbers, rates and times look on a page, in the reader's language and time zone."""

from datetime import date, datetime, timedelta

from flask import Flask
from flask_babel import format_date, format_datetime, format_decimal, format_percent, format_timedelta
from flask_babel import gettext as _

NOTHING = "–"  # noqa: RUF001 - an en dash stands for "no figure yet"


def add_formats(app: Flask) -> None:
    """Give the templates of `app` the filters below."""
    for function in (number, rate, moment, moment_exact, day, month, duration, milliseconds, size):
        app.jinja_env.filters[function.__name__] = function


def number(value: int | None) -> str:
    return NOTHING if value is None else str(format_decimal(value))


def rate(value: float | None) -> str:
    """A share between 0 and 1 as a percentage with one decimal; a dash while there is nothing to divide."""
    return NOTHING if value is None else str(format_percent(value, "#,##0.#%"))


def moment(value: datetime | None) -> str:
    """Day and minute, as in a list."""
    return NOTHING if value is None else str(format_datetime(value, "d MMM, HH:mm"))


def moment_exact(value: datetime | None) -> str:
    """Everything down to the second, with the zone."""
    return NOTHING if value is None else str(format_datetime(value, "d MMM y, HH:mm:ss ZZZZ"))


def day(value: date | datetime | None) -> str:
    """The day alone, where the hour says nothing."""
    return NOTHING if value is None else str(format_date(value, "d MMM y"))


def month(value: date) -> str:
    """The month that a day is in. A date, which no time zone moves."""
    return str(format_date(value, "LLL y"))


def duration(value: timedelta | None) -> str:
    """A stretch of time in the largest unit that fits."""
    return NOTHING if value is None else str(format_timedelta(value, threshold=1.5))


def milliseconds(value: int) -> str:
    """A duration given in milliseconds: below a second as such, then in seconds."""
    if value < 1000:
        return str(_("%(count)s ms", count=format_decimal(value)))
    return str(_("%(count)s s", count=format_decimal(round(value / 1000, 1))))


def size(octets: int) -> str:
    """A size given in bytes, in kB or MB."""
    if octets < 1_000_000:
        return str(_("%(count)s kB", count=format_decimal(max(round(octets / 1000), 1))))
    return str(_("%(count)s MB", count=format_decimal(round(octets / 1_000_000, 1))))
