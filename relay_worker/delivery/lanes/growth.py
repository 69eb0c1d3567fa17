"""Whether one more connection is worth having: a lane grows by what its connections get done."""

import math
import time
from collections.abc import Callable

MEMORY_SECONDS = 5.0  # what was done longer ago hardly counts
TRIAL_SECONDS = 5.0  # between connections that are opened on trial


class Growth:
    """Counts finished transactions of a lane, fading with time.

    A tarpit would take every connection we have and give nothing for it. So a lane that gets something done may have
    one connection for each transaction finished in about five seconds; another one gets a second connection on trial
    (the first may merely be stuck), and then one each five seconds, only while there is plenty.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._done = 0.0
        self._counted_at = 0.0
        self._grown_at = -math.inf

    def finished(self) -> None:
        """One transaction came to its end, whatever that was."""
        now = self._clock()
        self._done = self._done * math.exp((self._counted_at - now) / MEMORY_SECONDS) + 1
        self._counted_at = now

    def grown(self) -> None:
        """There is one connection more."""
        self._grown_at = self._clock()

    def earned(self, connections: int) -> bool:
        """Whether the connections there are have got enough done for one more."""
        # A hair of room: what one connection has just finished must count for one.
        return self._done * math.exp((self._counted_at - self._clock()) / MEMORY_SECONDS) > connections - 0.5

    def due_for_trial(self, connections: int) -> bool:
        """Whether one more may be tried for once, where connections are plenty."""
        return connections < 2 or self._clock() - self._grown_at >= TRIAL_SECONDS
