"""Figures of the whole queue, which any process may tell; the one that does the upkeep does."""

from collections.abc import Iterator

import structlog
from flask import Flask
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.database import db
from platform_core.queues import QueueName, queue_named, redis_connection
from platform_core.settings import Settings
from relay_worker.holding.queries import holdings
from relay_worker.queue.figures import QueueFigures, queue_figures
from tenants.models import Reseller

STATES = ("ready", "waiting", "leased", "paused")

log = structlog.get_logger()


class QueueFiguresCollector(Collector):
    """Depth and age of the queue, held mail, and the job queues. What doesn't answer is left out.

    Resellers are named only where the settings allow it: whoever reads the metrics may not be meant to know them.
    """

    def __init__(self, app: Flask, settings: Settings, clock: Clock) -> None:
        self._app = app
        self._settings = settings
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        try:
            with self._app.app_context(), Session(db.engine) as session:
                yield from self._queue(session)
        except SQLAlchemyError as error:
            log.warning("monitoring.queue_unknown", error=type(error).__name__)
        try:
            yield self._jobs()
        except RedisError as error:
            log.warning("monitoring.jobs_unknown", error=type(error).__name__)

    def _queue(self, session: Session) -> Iterator[Metric]:
        figures = queue_figures(session)
        yield _by_age(figures)
        oldest = figures.oldest_at
        age = 0.0 if oldest is None else (self._clock.now() - oldest).total_seconds()
        yield GaugeMetricFamily("frankpost_queue_oldest_seconds", "Age of the oldest recipient queued.", age)
        held = sum(one.recipients for one in holdings(session))
        yield GaugeMetricFamily("frankpost_held_recipients", "Recipients held at the end of quota.", held)
        if self._settings.metrics_reseller_labels:
            yield _by_reseller(session, figures)

    def _jobs(self) -> Metric:
        family = GaugeMetricFamily("frankpost_jobs_waiting", "Jobs that wait in Redis.", labels=["queue"])
        with redis_connection(self._settings) as connection:
            for name in QueueName:
                family.add_metric([name.value], queue_named(name, connection).count)
        return family


def _by_age(figures: QueueFigures) -> Metric:
    family = GaugeMetricFamily(
        "frankpost_queue_recipients",
        "Recipients in the queue, by where they stand and by age class (the seconds it ends at).",
        labels=["state", "younger_than"],
    )
    for one in figures.ages:
        age = "+Inf" if one.below is None else f"{one.below.total_seconds():.0f}"
        for state in STATES:
            family.add_metric([state, age], getattr(one.depth, state))
    return family


def _by_reseller(session: Session, figures: QueueFigures) -> Metric:
    keys = {row.id: row.key for row in session.execute(select(Reseller.id, Reseller.key))}
    family = GaugeMetricFamily(
        "frankpost_queue_reseller_recipients", "Recipients in the queue, by reseller.", labels=["reseller"]
    )
    for one in figures.resellers:
        family.add_metric([keys.get(one.reseller_id, "")], one.depth.recipients)
    return family
