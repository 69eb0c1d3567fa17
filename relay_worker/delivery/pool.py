"""The bound on open connections of a worker, shared out among its lanes."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

_KEPT_FOR_NEW_LANES = 4  # a quarter
_KEPT_FROM_TRIALS = 2  # half


class Slots:
    """Permits for connections. Unused connections give theirs up when another lane waits.

    A lane that has a connection may open more of them only while a quarter of all permits is free, so that busy
    lanes cannot shut new ones out.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._idle: OrderedDict[object, Callable[[], None]] = OrderedDict()

    @property
    def room(self) -> int:
        """Permits that are free; less than none when the limit was lowered."""
        return self._limit - self.taken

    @property
    def has_room(self) -> bool:
        """True when a lane may open one connection more than its first."""
        return self.room > self._limit // _KEPT_FOR_NEW_LANES and not self._waiting

    @property
    def has_plenty(self) -> bool:
        """True when a lane may open one connection more without having shown that it makes something of it."""
        return self.room > self._limit // _KEPT_FROM_TRIALS and not self._waiting

    @property
    def overbooked(self) -> bool:
        """True when more permits are out than there are, since the limit was lowered."""
        return self.room < 0

    def resize(self, limit: int) -> None:
        """So many permits from now on. Those beyond it stay out until they are given back."""
        self._limit = limit
        self._call_up()
        for _ in range(min(-self.room, len(self._idle))):
            self._idle.popitem(last=False)[1]()

    async def acquire(self) -> None:
        """Wait for a permit, first come first served; asks the connection idle for longest to give up its own."""
        if self.room > 0 and not self._waiting:
            self.taken += 1
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
        self.taken -= 1
        self._call_up()

    def rest(self, holder: object, give_up: Callable[[], None]) -> None:
        """`holder` is idle from now on: `give_up` is called when its permit is needed elsewhere."""
        self._idle[holder] = give_up
        if self._waiting or self.overbooked:
            self._idle.popitem(last=False)[1]()

    def wake(self, holder: object) -> None:
        """`holder` is busy again."""
        self._idle.pop(holder, None)

    def _call_up(self) -> None:
        while self._waiting and self.room > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)
