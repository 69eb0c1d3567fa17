"""Counts of what came of attempts, and the rates made of them."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Tally:
    """Recipients by how their attempt came out (see `landing.landing_of`); complaints when they came."""

    delivered: int = 0
    deferred: int = 0
    throttled: int = 0
    blocked: int = 0
    bounced: int = 0
    complained: int = 0

    def __add__(self, other: Self) -> "Tally":
        return Tally(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Tally)))

    @property
    def attempts(self) -> int:
        """All of them."""
        return self.judged + self.deferred

    @property
    def judged(self) -> int:
        """Attempts that tell something about the address. Greylisting and a server's own trouble don't."""
        return self.delivered + self.throttled + self.blocked + self.bounced

    @property
    def delivery_rate(self) -> float:
        return _share(self.delivered, self.judged)

    @property
    def bounce_rate(self) -> float:
        return _share(self.bounced, self.judged)

    @property
    def block_rate(self) -> float:
        return _share(self.blocked, self.judged)

    @property
    def throttle_rate(self) -> float:
        return _share(self.throttled, self.judged)

    @property
    def complaint_rate(self) -> float:
        """Of what was delivered; a complaint about nothing delivered in the time looked at counts whole."""
        return _share(self.complained, max(self.delivered, self.complained))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
