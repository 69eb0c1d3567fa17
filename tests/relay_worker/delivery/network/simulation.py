"""One delivery worker in a simulated world: hours of its work pass in a moment."""

import asyncio
import inspect
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import FunctionType, ModuleType, SimpleNamespace
from typing import TypeVar

import pytest

from platform_core.settings import Settings
from relay_worker.delivery.engine import Engine
from relay_worker.delivery.lanes.permits import LocalPermits
from relay_worker.delivery.surroundings import Surroundings
from relay_worker.traffic.rules import TrafficRule
from tests.relay_worker.delivery.network.fair_queue import FairQueue
from tests.relay_worker.delivery.network.sites import NEVER, Site
from tests.relay_worker.delivery.network.virtual_loop import VirtualLoop
from tests.relay_worker.delivery.network.wire import Wire
from tests.relay_worker.delivery.traffic_desk import InMemoryTrafficDesk

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
DRAIN_SECONDS = 30.0
SWEEP_SECONDS = 2.0

T = TypeVar("T")


@dataclass(frozen=True)
class LoopClock:
    """The loop's time as a date."""

    loop: asyncio.AbstractEventLoop

    def now(self) -> datetime:
        return START + timedelta(seconds=self.loop.time())


class World:
    """Mail servers by the domain they serve, a fair queue, and a worker. Its `queue` and `clock` are there within `play`."""

    queue: FairQueue
    clock: LoopClock
    started_at = START

    def __init__(
        self,
        sites: Mapping[str, Site],
        settings: Settings,
        patch: pytest.MonkeyPatch,
        hours: float,
        rules: Sequence[TrafficRule] = (),
        workers: int = 1,
    ) -> None:
        """`rules`: by the domain whose server each holds for; the first suffix names it."""
        self.sites = sites
        self._hours = hours
        self._workers = workers
        self._by_address = {f"198.51.100.{n}": site for n, site in enumerate(sites.values())}
        routes = dict(zip(sites, self._by_address, strict=True))
        self.desk = InMemoryTrafficDesk([_by_address(rule, routes) for rule in rules])
        self._settings = settings.model_copy(update={"delivery_routes": routes})
        self._patch = patch

    def play(self, scene: Callable[["World"], Awaitable[T]]) -> T:
        """Run the scene in simulated time."""
        with (
            self._patch.context() as patch,
            asyncio.Runner(loop_factory=lambda: VirtualLoop(self._connect)) as runner,
        ):
            loop = runner.get_loop()
            tell_time_by(loop, patch)
            self.clock = LoopClock(loop)
            self.queue = FairQueue(self.clock, START + timedelta(hours=self._hours))
            self._permits = LocalPermits()
            self._engines = [self._engine() for _ in range(self._workers)]
            return runner.run(self._play(scene))

    async def work(self, seconds: float) -> None:
        """The workers work for so long: drain after drain, rung by the sweep when nothing was left."""
        end = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(self._drain(engine, end) for engine in self._engines))

    async def restart(self) -> None:
        """New workers in the place of the old ones: they know what is in the database."""
        for engine in self._engines:
            await engine.close(0.1)
        self._engines = [self._engine() for _ in range(self._workers)]

    async def _drain(self, engine: Engine, end: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < end:
            report = await engine.run(min(end, loop.time() + DRAIN_SECONDS))
            if not report.ring_again:
                await self._sweep(end)

    def _engine(self) -> Engine:
        around = Surroundings(traffic=self.desk, permits=self._permits)
        return Engine(self._settings, self.queue, around, clock=self.clock, rng=random.Random(1))

    async def _sweep(self, end: float) -> None:
        """Look every two seconds until something is due; without looking when it is known that nothing will be."""
        loop = asyncio.get_running_loop()
        due_at = self.queue.next_at()
        idle = end - loop.time() if due_at is None else (due_at - self.clock.now()).total_seconds()
        await asyncio.sleep(min(end - loop.time(), max(SWEEP_SECONDS, idle)))

    async def _play(self, scene: Callable[["World"], Awaitable[T]]) -> T:
        try:
            return await scene(self)
        finally:
            for engine in self._engines:
                await engine.close(0.1)

    async def _connect(self, address: str, port: int, source: str) -> Wire:
        """Like TCP: one round trip, or never from a server that is not there."""
        site = self._by_address[address]
        await asyncio.sleep(2 * site.latency)
        return site.open(source, address)


def _by_address(rule: TrafficRule, routes: Mapping[str, str]) -> TrafficRule:
    """The servers of this world have no names."""
    return replace(rule, mx_suffixes=tuple(routes[domain] for domain in rule.mx_suffixes))


def unreachable() -> Site:
    """A host that answers nothing, not even a SYN."""
    return Site(latency=NEVER)


def tell_time_by(loop: asyncio.AbstractEventLoop, patch: pytest.MonkeyPatch) -> None:
    """Everything of delivery that asks `time.monotonic()` hears the loop's time, as a default of a parameter too."""
    for module in [sys.modules[name] for name in sorted(sys.modules) if name.startswith("relay_worker.")]:
        if getattr(module, "time", None) is time:
            patch.setattr(module, "time", SimpleNamespace(monotonic=loop.time))
        for function in _functions(module):
            positional, named = function.__defaults__ or (), function.__kwdefaults__ or {}
            if time.monotonic in positional:
                changed = tuple(loop.time if value is time.monotonic else value for value in positional)
                patch.setattr(function, "__defaults__", changed)
            if time.monotonic in named.values():
                told = {
                    name: loop.time if value is time.monotonic else value for name, value in named.items()
                }
                patch.setattr(function, "__kwdefaults__", told)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    for value in vars(module).values():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        members = vars(value).values() if inspect.isclass(value) else [value]
        yield from (member for member in members if isinstance(member, FunctionType))
