"""A calendar month where the seller or the buyer is."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Month:
    """`first` to `last`, days of `time_zone`."""

    first: date
    time_zone: str

    @classmethod
    def ended_before(cls, now: datetime, time_zone: str) -> Self:
        """The last month that is over there."""
        today = now.astimezone(ZoneInfo(time_zone)).date()
        return cls((today.replace(day=1) - timedelta(days=1)).replace(day=1), time_zone)

    @property
    def last(self) -> date:
        return self._following - timedelta(days=1)

    @property
    def end(self) -> datetime:
        """The first instant after it, in UTC."""
        midnight = datetime.combine(self._following, datetime.min.time(), ZoneInfo(self.time_zone))
        return midnight.astimezone(UTC)

    @property
    def reference(self) -> str:
        """What its invoice is for."""
        return f"usage:{self.first:%Y-%m}"

    @property
    def _following(self) -> date:
        return (self.first + timedelta(days=31)).replace(day=1)

    def day_of(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.time_zone)).date()
