"""What each process serves to those who watch it: what "alive" and "ready" mean for it, and its figures."""

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from flask import Flask
from prometheus_client import CollectorRegistry

from platform_core.clock import SystemClock
from platform_core.database import relay_url, web_url
from platform_core.monitoring.checks import postgres_answers, redis_answers
from platform_core.monitoring.pulse import Pulse
from platform_core.monitoring.server import MonitoringServer, Watched, monitored
from platform_core.settings import Settings
from relay_worker.monitoring.delivery import DeliveryFigures
from relay_worker.monitoring.door import MeasuredDoor
from relay_worker.monitoring.queue import QueueFiguresCollector
from relay_worker.monitoring.relay import RelayFigures
from relay_worker.submission.listeners import Relay

Watch = AbstractContextManager[MonitoringServer | None]


def relay_watch(found: Settings, door: MeasuredDoor) -> Callable[[Relay], AbstractContextManager[None]]:
    """Ready while it listens and Postgres answers. Without Redis it takes mail as ever, so that isn't asked."""

    @contextmanager
    def watch(relay: Relay) -> Iterator[None]:
        figures = CollectorRegistry()
        figures.register(RelayFigures(relay))
        figures.register(door)
        checks = {"listening": lambda: relay.accepting, "postgres": postgres_answers(relay_url(found))}
        pulse = Pulse()
        beating = asyncio.get_running_loop().create_task(pulse.beat_for_ever())
        try:
            with monitored(Watched(pulse, checks, figures), found, found.metrics_relay_port):
                yield
        finally:
            beating.cancel()

    return watch


def worker_watch(found: Settings, pulse: Pulse) -> Watch:
    """Ready while Postgres and Redis answer: from the one it has its mail, from the other the bell."""
    figures = CollectorRegistry()
    figures.register(DeliveryFigures())
    checks = {"postgres": postgres_answers(relay_url(found)), "redis": redis_answers(found)}
    return monitored(Watched(pulse, checks, figures), found, found.metrics_worker_port)


def jobs_watch(found: Settings, pulse: Pulse, app: Flask) -> Watch:
    """Like a worker; and tells the figures of the whole queue."""
    figures = CollectorRegistry()
    figures.register(QueueFiguresCollector(app, found, SystemClock()))
    checks = {"postgres": postgres_answers(web_url(found)), "redis": redis_answers(found)}
    return monitored(Watched(pulse, checks, figures), found, found.metrics_jobs_port)


def cron_watch(found: Settings, pulse: Pulse) -> Watch:
    """Ready while Redis answers; it needs nothing else."""
    return monitored(Watched(pulse, {"redis": redis_answers(found)}), found, found.metrics_cron_port)


def web_watch(found: Settings) -> Watch:
    """Ready while Postgres answers. Its threads have no loop to feel the pulse of: ask /health/live for that."""
    checks = {"postgres": postgres_answers(web_url(found))}
    return monitored(Watched(Pulse(math.inf), checks), found, found.metrics_web_port)
