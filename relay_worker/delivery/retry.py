"""When a deferred recipient is tried again."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

# RFC 5321 4.5.4.1 asks for 30 minutes between attempts. We begin with 5, because greylisting servers want to see
# us again after a few minutes and a one-time code is worthless after half an hour; the tail is far slower.
FIRST_INTERVALS = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 80, 160))
LATER_INTERVAL = timedelta(hours=4)
JITTER = 0.2  # of the interval, both ways: what was deferred together must not come back together


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """5, 10, 20, 40, 80, 160 minutes, then every 4 hours, each 20 % more or less, until the recipient expires."""

    rng: random.Random

    def next_at(self, attempts: int, now: datetime, expires_at: datetime) -> datetime | None:
        """When to try again after an attempt that followed `attempts` earlier ones; None when time is up.

        The last try falls on `expires_at` itself, so that nobody is given up an interval early.
        """
        if now >= expires_at:
            return None
        interval = FIRST_INTERVALS[attempts] if attempts < len(FIRST_INTERVALS) else LATER_INTERVAL
        spread = 1 + self.rng.uniform(-JITTER, JITTER)
        return min(now + interval * spread, expires_at)
