"""Keeps a worker's lanes and the database of one mind: rules and pauses in, states both ways, sites out."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from platform_core.clock import Clock
from platform_core.errors import Unavailable
from relay_worker.delivery.lanes.lanes import Lanes
from relay_worker.delivery.lanes.sites import Sites
from relay_worker.queue.traffic_desk import LaneState, TrafficDesk
from relay_worker.traffic.rules import RuleBook

READ_SECONDS = 5.0
RULES_SECONDS = 30.0
# States are asked for from before the last look on: clocks of machines differ, and a transaction takes its time.
OVERLAP = timedelta(seconds=30)
EVER = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


class TrafficKeeper:
    """While the database is away what was known goes on to hold, and what is new waits."""

    def __init__(
        self,
        desk: TrafficDesk,
        lanes: Lanes,
        sites: Sites,
        clock: Clock,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._lanes = lanes
        self._sites = sites
        self._clock = clock
        self._seconds = seconds
        self._rules_at = self._read_at = float("-inf")
        self._seen = EVER
        self._unwritten: dict[tuple[int, str], LaneState] = {}
        self._untold: dict[str, int] = {}

    async def refresh(self) -> None:
        """Write what has changed, read what is due to be read; to be called every second. Never raises on a fault of the
        database.
        """
        try:
            await self._write()
            if self._seconds() - self._rules_at >= RULES_SECONDS:
                self._sites.follow(RuleBook(await self._desk.rules()))
                self._rules_at = self._seconds()
            if self._seconds() - self._read_at >= READ_SECONDS:
                await self._read()
        except Unavailable as error:
            log.warning("traffic.not_kept", error=str(error))

    async def _read(self) -> None:
        asked_at = self._clock.now()
        states = await self._desk.lane_states(self._seen)
        self._lanes.adopt(states, await self._desk.paused_lanes())
        self._seen, self._read_at = asked_at - OVERLAP, self._seconds()

    async def _write(self) -> None:
        """What can't be written stays, and goes with the next."""
        self._unwritten |= {(state.lane, state.source): state for state in self._lanes.take_changed()}
        self._untold |= self._sites.take_news()
        if self._unwritten:
            states, self._unwritten = self._unwritten, {}
            try:
                await self._desk.keep(list(states.values()))
            except Unavailable:
                self._unwritten = states | self._unwritten
                raise
        if self._untold:
            news, self._untold = self._untold, {}
            try:
                await self._desk.learn(news)
            except Unavailable:
                self._untold = news | self._untold
                raise
