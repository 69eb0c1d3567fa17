"""A short memory for what went wrong lately, so that it is not tried again at once."""

import time
from collections import OrderedDict
from collections.abc import Callable

MAX_REMEMBERED = 10_000


class RecentFaults:
    """Names that had a fault within the last `seconds`; forgets the oldest beyond 10,000."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def remember(self, name: str) -> None:
        self._until.pop(name, None)
        self._until[name] = self._clock() + self._seconds
        if len(self._until) > MAX_REMEMBERED:
            self._until.popitem(last=False)

    def __contains__(self, name: str) -> bool:
        until = self._until.get(name)
        if until is None:
            return False
        if until <= self._clock():
            del self._until[name]
            return False
        return True
