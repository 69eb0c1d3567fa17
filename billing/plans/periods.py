"""When the periods of a plan begin and end: on the anchor's day of each month, at midnight where the account is."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` on, up to but not including `end`; both in UTC."""

    start: datetime
    end: datetime

    def share_left(self, now: datetime) -> tuple[int, int]:
        """Seconds that are left, and seconds in all."""
        whole = int((self.end - self.start).total_seconds())
        left = int((self.end - now).total_seconds())
        return min(max(left, 0), whole), whole


def local_date(at: datetime, time_zone: str) -> date:
    """The date that a calendar there shows."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def months_after(anchor: date, months: int) -> date:
    """The same day so many months later; the last of the month where it has no such day.

    Always from the anchor, so that the 31st becomes the 28th in February and the 31st again in March.
    """
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def midnight(day: date, time_zone: str) -> datetime:
    """The first instant of a day there. Where clocks leap over midnight it is the instant of the leap; where midnight
    comes twice, the first (PEP 495, fold 0).
    """
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def end_of_period(anchor: date, number: int, time_zone: str) -> datetime:
    """When the period ends that begins `number` months after the anchor."""
    return midnight(months_after(anchor, number + 1), time_zone)


def first_period(start: datetime, time_zone: str) -> Period:
    """The period that begins now: the day that has begun counts whole, so that the others begin at midnight."""
    return Period(start, end_of_period(local_date(start, time_zone), 0, time_zone))


def trial_period(start: datetime, days: int, time_zone: str) -> Period:
    """So many days, the one that has begun not counted, up to midnight."""
    return Period(start, midnight(local_date(start, time_zone) + timedelta(days=days + 1), time_zone))
