"""The loop of a process that takes jobs out of Redis, until a signal ends it."""

import contextlib
import os
import socket

import redis
from rq import SimpleWorker

from platform_core.errors import ServerUnreachable
from platform_core.monitoring.pulse import Pulse
from platform_core.queues import QueueName, redis_connection
from platform_core.security import random_text
from platform_core.settings import Settings

# The loops of rq come round at least once a minute, between jobs.
LOOP_SECONDS = 180.0


class Worker(SimpleWorker):
    """A worker whose pulse can be felt, and that can be told to stop while Redis is away."""

    pulse: Pulse

    def heartbeat(self, timeout: int | None = None, pipeline: redis.client.Pipeline | None = None) -> None:
        """`timeout` is there before a job, which may take so long."""
        self.pulse.beat(timeout)
        super().heartbeat(timeout, pipeline)

    def set_shutdown_requested_date(self) -> None:
        """Called by a signal handler, in the middle of a job: there a fault of Redis would break the job."""
        with contextlib.suppress(redis.RedisError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]  # rq leaves it without types


def work(found: Settings, queue: QueueName, pulse: Pulse, kind: type[Worker] = Worker) -> None:
    """Run jobs in this very process (no fork: loops, pools and connections outlive a job) until a signal."""
    check_redis(found)
    # For people who look at the console; the end keeps a worker apart from a killed one that had its number.
    name = f"{socket.gethostname()}-{os.getpid()}-{random_text(4)}"
    # A short time to live, renewed all the while, so that a killed worker is soon known to be gone.
    worker = kind([queue], name=name, connection=redis_connection(found), worker_ttl=60)
    worker.pulse = pulse
    worker.work(logging_level="WARNING")


def check_redis(found: Settings) -> None:
    """Raises ServerUnreachable with a sentence instead of a stack of frames."""
    try:
        redis_connection(found).ping()
    except redis.RedisError as error:
        raise ServerUnreachable(f"Redis does not answer at REDIS_URL: {error}") from error
