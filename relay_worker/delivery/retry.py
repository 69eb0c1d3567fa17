"""When a deferred recipient is tried again."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

# RFC 5321 4.5.4.1 asks for 30 minutes between attempts. We begin with 5, because greylisting servers want to see
# us again after a few minutes and a one-time code is worthless after half an hour; the tail is far slower.
FIRST_INTERVALS = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 80, 160))
LATER_INTERVAL = timedelta(hours=4)
# A server that names a time is asked again then, as far as that makes sense. A short time is believed three times; one
# that is always told again would have us come every minute for days.
SHORTEST_HINT, LONGEST_HINT = timedelta(minutes=1), timedelta(hours=4)
HINTS_BELIEVED = 3
JITTER = 0.2  # of the interval, both ways: what was deferred together must not come back together


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """5, 10, 20, 40, 80, 160 minutes, then every 4 hours, each 20 % more or less, until the recipient expires."""

    rng: random.Random

    def next_at(
        self, attempts: int, now: datetime, expires_at: datetime, hint: timedelta | None = None
    ) -> datetime | None:
        """When to try again after an attempt that followed `attempts` earlier ones; None when time is up.

        `hint`: what the server asked for. It is never asked earlier than that, and a fifth later at most.
        The last try falls on `expires_at` itself, so that nobody is given up an interval early.
        """
        if now >= expires_at:
            return None
        interval = FIRST_INTERVALS[attempts] if attempts < len(FIRST_INTERVALS) else LATER_INTERVAL
        wait = interval * (1 + self.rng.uniform(-JITTER, JITTER))
        if hint is not None:
            asked = bounded_hint(hint) * (1 + self.rng.uniform(0, JITTER))
            wait = asked if attempts < HINTS_BELIEVED else max(asked, wait)
        return min(now + wait, expires_at)


def bounded_hint(hint: timedelta) -> timedelta:
    """A server's word on when to come back, as far as we follow it."""
    return max(SHORTEST_HINT, min(hint, LONGEST_HINT))
