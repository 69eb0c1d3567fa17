"""A process's pulse: the sign that its main loop runs, and not only the thread that is asked."""

import asyncio
import time

BEAT_SECONDS = 1.0
PATIENCE_SECONDS = 15.0  # of a loop that beats every second


class Pulse:
    """Beaten by the main loop. Each beat says within how many seconds the next one is to be expected."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._until = time.monotonic() + patience

    @property
    def alive(self) -> bool:
        return time.monotonic() < self._until

    def beat(self, patience: float | None = None) -> None:
        """The loop runs. `patience`: seconds, where what follows may take longer than usual."""
        self._until = time.monotonic() + (self._patience if patience is None else patience)

    async def beat_for_ever(self) -> None:
        """For a process with an event loop."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)
