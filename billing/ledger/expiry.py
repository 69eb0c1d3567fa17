"""When credits lapse: a year after they came, to the instant, as the account's own clock shows it."""

from datetime import datetime
from zoneinfo import ZoneInfo


def one_year_after(at: datetime, time_zone: str) -> datetime:
    """The same wall-clock instant a year later in the account's time zone; 29 February lapses on 28 February."""
    local = at.astimezone(ZoneInfo(time_zone))
    leap_day = local.month == 2 and local.day == 29
    later = local.replace(year=local.year + 1, day=28 if leap_day else local.day)
    return later.astimezone(at.tzinfo)
