"""A short memory of TLS that did not work, so that a broken server costs one wasted connection an hour."""

import time
from collections import OrderedDict
from collections.abc import Callable

from relay_worker.delivery.tls.levels import TlsFailure, TlsLevel

FAULT_SECONDS = 3600.0
MAX_REMEMBERED = 10_000

_Name = tuple[str, TlsLevel]


class TlsFaults:
    """What went wrong lately at which level, by host; forgets the oldest beyond 10,000."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[_Name, tuple[float, TlsFailure]] = OrderedDict()

    def remember(self, host: str, level: TlsLevel, failure: TlsFailure) -> None:
        self._kept.pop((host, level), None)
        self._kept[host, level] = self._clock() + FAULT_SECONDS, failure
        if len(self._kept) > MAX_REMEMBERED:
            self._kept.popitem(last=False)

    def recall(self, host: str, level: TlsLevel) -> TlsFailure | None:
        until, failure = self._kept.get((host, level), (0.0, None))
        return failure if until > self._clock() else None
