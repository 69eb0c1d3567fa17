"""The bell: tells delivery workers that mail is due, by a job without content. Losing it costs the sweep's seconds."""

import asyncio
import time

import structlog
from redis import Redis, RedisError
from rq import Queue

from platform_core.queues import QueueName, queue_named
from platform_core.settings import Settings

QUIET_SECONDS = 0.1  # between two rings of one process
JOB = "relay_worker.queue.jobs.drain"
# A bell nobody heard is of no use later: the sweep rings again.
_JOB_TTL_SECONDS = 60
_CALL_SECONDS = 2.0

log = structlog.get_logger()


class Bell:
    """Rings through RQ. Safe to call for every batch; silent faults are logged, never raised: mail is in Postgres."""

    def __init__(self, settings: Settings) -> None:
        connection = Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=_CALL_SECONDS,
            socket_connect_timeout=_CALL_SECONDS,
        )
        self._queue = queue_named(QueueName.DELIVERY, connection)
        # The drain's own deadline, the seconds it has to land what is in flight, and room for a slow machine.
        self._timeout = settings.delivery_drain_seconds + 120
        self._rung_at = 0.0

    async def ring(self) -> None:
        """Ring, unless this process did so a moment ago: then wait out the moment, so that no mail is left unheard."""
        quiet = self._rung_at + QUIET_SECONDS - time.monotonic()
        if quiet > 0:
            await asyncio.sleep(quiet)
        self._rung_at = time.monotonic()
        await asyncio.to_thread(self.ring_now)

    def ring_now(self) -> None:
        """Enqueue a drain job unless one is waiting already."""
        try:
            if self._queue.count == 0:
                enqueue_drain(self._queue, self._timeout)
        except RedisError as error:
            log.warning("bell.silent", error=str(error))


def enqueue_drain(queue: Queue, timeout_seconds: int) -> None:
    """One more worker is called, whoever works already."""
    queue.enqueue_call(
        JOB, timeout=timeout_seconds, ttl=_JOB_TTL_SECONDS, result_ttl=0, failure_ttl=_JOB_TTL_SECONDS
    )
