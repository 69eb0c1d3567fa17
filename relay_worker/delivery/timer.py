"""A deadline that can be moved without touching the event loop's timers."""

import asyncio
from collections.abc import Callable


class LazyTimer:
    """Calls back once when a deadline passes.

    A conversation sets a deadline for every reply and hardly ever reaches one. Moving the deadline later costs an
    assignment here; only when the loop's own timer fires is it looked at again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._deadline: float | None = None
        self._fires_at = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float) -> None:
        """Set the deadline `seconds` from now, in place of any earlier one."""
        self._deadline = self._loop.time() + seconds
        if self._handle is None or self._fires_at > self._deadline:
            self._arm(self._deadline)

    def stop(self) -> None:
        """No deadline for now."""
        self._deadline = None

    def close(self) -> None:
        """No deadline any more; lets go of the loop."""
        self._deadline = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, at: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._fires_at = at
        self._handle = self._loop.call_at(at, self._fire)

    def _fire(self) -> None:
        self._handle = None
        if self._deadline is None:
            return
        # The loops count in milliseconds; without the margin one would arm itself twice for the same instant.
        if self._deadline - self._loop.time() > 0.001:
            self._arm(self._deadline)
            return
        self._deadline = None
        self._callback()
