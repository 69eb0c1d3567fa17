"""The bell for mail that came back: calls the job that reads it. Losing it costs the sweep's seconds."""

import asyncio
import time

import structlog
from redis import Redis, RedisError

from platform_core.queues import QueueName, queue_named
from platform_core.settings import Settings

JOB = "relay_worker.inbound.jobs.read"
JOB_SECONDS = 120
QUIET_SECONDS = 1.0  # between two rings of one process
_CALL_SECONDS = 2.0

log = structlog.get_logger()


class InboundBell:
    """Rings through RQ. Safe to call for every mail; silent faults are logged, never raised: mail is in Postgres."""

    def __init__(self, settings: Settings) -> None:
        connection = Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=_CALL_SECONDS,
            socket_connect_timeout=_CALL_SECONDS,
        )
        self._queue = queue_named(QueueName.UPKEEP, connection)
        self._rung_at = 0.0

    async def ring(self) -> None:
        """Ring, unless this process did so a moment ago: then wait out the moment."""
        quiet = self._rung_at + QUIET_SECONDS - time.monotonic()
        if quiet > 0:
            await asyncio.sleep(quiet)
        self._rung_at = time.monotonic()
        await asyncio.to_thread(self._ring_now)

    def _ring_now(self) -> None:
        try:
            self._queue.enqueue_call(JOB, timeout=JOB_SECONDS, ttl=60, result_ttl=0, failure_ttl=3600)
        except RedisError as error:
            log.warning("inbound.bell_silent", error=str(error))
