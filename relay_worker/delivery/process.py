"""What outlives a drain job in a worker process: the event loop, the database pool, the engine with its connections."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

import structlog
import uvloop
from redis.asyncio import Redis

from platform_core.clock import SystemClock
from platform_core.settings import Settings, settings
from relay_worker.addresses.choosing import PoolChooser
from relay_worker.addresses.postgres_book import PostgresAddressBook
from relay_worker.delivery.drain_report import DrainReport, EngineFigures
from relay_worker.delivery.engine import Engine
from relay_worker.delivery.lanes.shared_permits import SharedPermits
from relay_worker.delivery.surroundings import Surroundings
from relay_worker.monitoring.claims import MeasuredClaims
from relay_worker.queue.postgres import PostgresClaims, open_pool
from relay_worker.queue.postgres_tls import PostgresTlsBook
from relay_worker.queue.postgres_traffic import PostgresTrafficDesk
from relay_worker.submission.shared import PATIENCE, SharedMemory

T = TypeVar("T")

# Results, leases and what all workers know; claims and bodies; posts. More would only wait in line at the database.
_POOL_SIZES = 2, 2, 1
# On top of the seconds that a run gives it: what a slow remote has not answered by then is broken off.
_CLOSE_SECONDS = 5.0

log = structlog.get_logger()


class DeliveryProcess:
    """One per worker process, made by its first job.

    The event loop runs in a thread of its own, between jobs too: a conversation that outlasts its job goes on, its lease
    is renewed, and its result is recorded although the next job may be another worker's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="delivery", daemon=True)
        self._thread.start()
        self._pools = [self._run(open_pool(settings, size=size)) for size in _POOL_SIZES]
        self._redis = Redis.from_url(
            settings.redis_url.get_secret_value(), socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        )
        self._permits = SharedPermits(SharedMemory(self._redis))
        self._engine: Engine = self._run(self._start())

    def drain(self) -> DrainReport:
        """Deliver until nothing is due, or the deadline."""
        report = self._run(self._engine.run(time.monotonic() + self._settings.delivery_drain_seconds))
        if report.claimed:
            log.info("delivery.drained", **{name: getattr(report, name) for name in DrainReport.__slots__})
        return report

    def figures(self) -> EngineFigures:
        """What the engine holds now; may be called from another thread."""
        return self._engine.figures()

    def end_soon(self) -> None:
        """Let the drain that runs now end early; for a process that has been told to stop."""
        self._engine.end_soon()

    def close(self) -> None:
        """End what is under way and record it; then the database pool."""
        self._run(self._engine.close(_CLOSE_SECONDS))
        self._run(self._redis.aclose())
        for pool in self._pools:
            self._run(pool.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> Engine:
        pool, for_claims, for_posts = self._pools
        around = Surroundings(
            tls_book=PostgresTlsBook(pool),
            traffic=PostgresTrafficDesk(pool),
            permits=self._permits,
            sources=PoolChooser(PostgresAddressBook(pool), SystemClock()),
        )
        claims = PostgresClaims(pool, self._settings, for_claims=for_claims, for_posts=for_posts)
        self.claims = MeasuredClaims(claims)
        return Engine(self._settings, self.claims, around)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it on the loop and wait for it. Whatever breaks off the wait (a job's time limit) ends the work too."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()


@cache
def delivery_process() -> DeliveryProcess:
    """The one of this process. Raises Unavailable while the database is away; the next job tries again."""
    return DeliveryProcess(settings())
