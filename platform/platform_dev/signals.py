"""How a process of the workshop is told to end: SIGTERM or Ctrl-C, once."""

import signal
import time
from types import FrameType


def end_by_interrupt() -> None:
    """From now on SIGTERM raises KeyboardInterrupt in the main thread, as Ctrl-C does, so that `with` blocks unwind.

    Only the first signal counts: what unwinds is bounded in time, and a second one would leave it half done.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)


def wait_for_end() -> None:
    """Sleep until SIGTERM or Ctrl-C; then return, so that `with` blocks around it close."""
    end_by_interrupt()
    try:
        while True:
            # Not `signal.pause`: a signal just before it would be slept over.
            time.sleep(1)
    except KeyboardInterrupt:
        return


def _interrupt(number: int, _: FrameType | None) -> None:
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(number).name)
