"""The bound on open connections of a worker, shared out among its lanes."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

_KEPT_FOR_NEW_LANES = 4  # a quarter


class Slots:
    """Permits for connections. Unused connections give theirs up when another lane waits.

    A lane that has a connection may open more of them only while a quarter of all permits is free, so that busy
    lanes cannot shut new ones out.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._reserve = limit // _KEPT_FOR_NEW_LANES
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._idle: OrderedDict[object, Callable[[], None]] = OrderedDict()

    def has_room(self) -> bool:
        """True when a lane may open one connection more than its first."""
        return self._free > self._reserve and not self._waiting

    async def acquire(self) -> None:
        """Wait for a permit, first come first served; asks the connection idle for longest to give up its own."""
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._idle:
            self._idle.popitem(last=False)[1]()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a permit back; it goes to whoever waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def rest(self, holder: object, give_up: Callable[[], None]) -> None:
        """`holder` is idle from now on: `give_up` is called when its permit is needed elsewhere."""
        self._idle[holder] = give_up
        if self._waiting:
            self._idle.popitem(last=False)[1]()

    def wake(self, holder: object) -> None:
        """`holder` is busy again."""
        self._idle.pop(holder, None)
