"""`frankpost web`, `relay`, `worker`, `jobs`, `cron`: the processes of the product, each in the foreground.

Each may be started as often as wanted, cron too: its jobs tolerate running twice.
"""

import contextlib
import os
import socket
import sys

import click
import redis.asyncio
import uvloop
from rq import SimpleWorker
from rq.cron import CronScheduler

from billing.dunning import jobs as dunning_jobs
from billing.invoices import jobs as invoice_jobs
from billing.ledger import jobs as ledger_jobs
from billing.payments import jobs as payment_jobs
from billing.plans import jobs as plan_jobs
from platform_core.clock import SystemClock
from platform_core.errors import ServerUnreachable
from platform_core.logging import configure_logging
from platform_core.monitoring.pulse import Pulse
from platform_core.queues import QueueName, redis_connection
from platform_core.security import random_text
from platform_core.settings import ROOT, Settings, settings
from platform_web.commands.watching import cron_watch, jobs_watch, relay_watch, worker_watch
from platform_web.headless import headless_context
from relay_worker.addresses import jobs as address_jobs
from relay_worker.delivery.process import delivery_process
from relay_worker.delivery.tls import jobs as tls_jobs
from relay_worker.holding import jobs as holding_jobs
from relay_worker.inbound import jobs as inbound_jobs
from relay_worker.inbound.bell import InboundBell
from relay_worker.inbound.door import Intake
from relay_worker.inbound.postgres import PostgresInbound
from relay_worker.monitoring.door import MeasuredDoor
from relay_worker.notices import jobs as notice_jobs
from relay_worker.queue import jobs as queue_jobs
from relay_worker.queue import pause_jobs
from relay_worker.queue.bell import Bell
from relay_worker.queue.postgres import PostgresDoor, open_pool
from relay_worker.retention import jobs as retention_jobs
from relay_worker.submission.listeners import run_relay
from relay_worker.traffic import jobs as traffic_jobs
from tenants.domains import jobs as domain_jobs

# Batches, log-ins and refreshes of host names.
_RELAY_POOL_SIZE = 4
_REDIS_SECONDS = 2.0
# The loops of rq come round at least once a minute, between jobs.
_LOOP_SECONDS = 180.0


@click.command()
def web() -> None:
    """Serve portal, console and tracking over HTTP."""
    found = settings()
    os.chdir(ROOT)
    os.execv(  # noqa: S606 - no shell, and every part is ours
        sys.executable,
        [sys.executable, "-m", "gunicorn", "wsgi:application", "--bind", f"{found.web_bind}:{found.web_port}",
         "--threads", str(found.web_threads), "--graceful-timeout", "20", "--log-level", "warning",
         "--no-control-socket"],
    )  # fmt: skip


@click.command()
def relay() -> None:
    """Take in mail over SMTP."""
    found = settings()
    configure_logging(found, process="relay")
    uvloop.run(_serve_relay(found))


async def _serve_relay(found: Settings) -> None:
    pool = await open_pool(found, size=_RELAY_POOL_SIZE)
    memory = redis.asyncio.Redis.from_url(
        found.redis_url.get_secret_value(),
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=_REDIS_SECONDS,
    )
    try:
        door = MeasuredDoor(PostgresDoor(pool, SystemClock(), allotment=settings().relay_allotment))
        await run_relay(
            found,
            door,
            redis=memory,
            ring=Bell(found).ring,
            intake=Intake(PostgresInbound(pool), InboundBell(found).ring),
            watch=relay_watch(found, door),
        )
    finally:
        await memory.aclose()
        await pool.close()


@click.command()
def worker() -> None:
    """Deliver mail."""
    found = settings()
    configure_logging(found, process="worker")
    pulse = Pulse(_LOOP_SECONDS)
    try:
        with worker_watch(found, pulse):
            _work(found, QueueName.DELIVERY, pulse, _DeliveryWorker)
    finally:
        # Also when Redis has gone away: what the remotes have said is still to be recorded.
        if delivery_process.cache_info().currsize:
            delivery_process().close()


@click.command()
def jobs() -> None:
    """Do the work that may wait: sweeps, rechecks, upkeep."""
    found = settings()
    configure_logging(found, process="jobs")
    pulse = Pulse(_LOOP_SECONDS)
    with headless_context(found) as app, jobs_watch(found, pulse, app):
        _work(found, QueueName.UPKEEP, pulse)


@click.command()
def cron() -> None:
    """Enqueue recurring jobs at their time."""
    found = settings()
    configure_logging(found, process="cron")
    _check_redis(found)
    scheduler = _Scheduler(redis_connection(found), logging_level="WARNING")
    scheduler.pulse = Pulse(_LOOP_SECONDS)
    for function, when in (
        (queue_jobs.sweep, {"interval": queue_jobs.SWEEP_SECONDS}),
        (queue_jobs.record_again, {"interval": queue_jobs.RECORD_AGAIN_SECONDS}),
        (notice_jobs.send_notices, {"interval": notice_jobs.EVERY_SECONDS}),
        (queue_jobs.keep_partitions, {"cron": queue_jobs.PARTITIONS_CRON}),
        (inbound_jobs.read, {"interval": inbound_jobs.SWEEP_SECONDS}),
        (inbound_jobs.forget_old, {"cron": inbound_jobs.FORGET_CRON}),
        (domain_jobs.enqueue_rechecks, {"cron": domain_jobs.CRON}),
        (tls_jobs.forget_old, {"cron": tls_jobs.CRON}),
        (traffic_jobs.forget_old, {"cron": traffic_jobs.CRON}),
        (invoice_jobs.bill_month, {"cron": invoice_jobs.BILL_CRON}),
        (invoice_jobs.send_invoices, {"interval": invoice_jobs.SEND_SECONDS}),
        (address_jobs.keep_addresses, {"cron": address_jobs.CRON}),
        (payment_jobs.apply_events, {"interval": payment_jobs.EVENTS_SECONDS}),
        (payment_jobs.top_up_accounts, {"interval": payment_jobs.TOP_UPS_SECONDS}),
        (payment_jobs.tell_of_stopped_top_ups, {"cron": payment_jobs.NOTICES_CRON}),
        (payment_jobs.deliver_again, {"cron": payment_jobs.DELIVER_CRON}),
        (ledger_jobs.enqueue_upkeep, {"cron": ledger_jobs.CRON}),
        (plan_jobs.enqueue_renewals, {"cron": plan_jobs.CRON}),
        (dunning_jobs.dun, {"cron": dunning_jobs.CRON, "job_timeout": dunning_jobs.TIMEOUT_SECONDS}),
        (holding_jobs.release_everywhere, {"interval": holding_jobs.SWEEP_SECONDS}),
        (holding_jobs.expire_everywhere, {"cron": holding_jobs.EXPIRY_CRON}),
        (pause_jobs.resume_paused, {"interval": pause_jobs.RESUME_SECONDS}),
        (
            retention_jobs.forget_old_mail,
            {"cron": retention_jobs.CRON, "job_timeout": retention_jobs.TIMEOUT_SECONDS},
        ),
    ):
        scheduler.register(function, QueueName.UPKEEP, result_ttl=0, ttl=60, failure_ttl=3600, **when)
    with cron_watch(found, scheduler.pulse):
        scheduler.start()  # type: ignore[no-untyped-call]  # rq leaves it without types


class _Scheduler(CronScheduler):
    """A scheduler whose pulse can be felt."""

    pulse: Pulse

    def heartbeat(self) -> None:
        super().heartbeat()
        self.pulse.beat()


class _Worker(SimpleWorker):
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


class _DeliveryWorker(_Worker):
    """Does not finish a long drain when it is told to stop."""

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if delivery_process.cache_info().currsize:
            delivery_process().end_soon()


def _work(found: Settings, queue: QueueName, pulse: Pulse, kind: type[_Worker] = _Worker) -> None:
    """Run jobs in this very process (no fork: loops, pools and connections outlive a job) until a signal."""
    _check_redis(found)
    # For people who look at the console; the end keeps a worker apart from a killed one that had its number.
    name = f"{socket.gethostname()}-{os.getpid()}-{random_text(4)}"
    # A short time to live, renewed all the while, so that a killed worker is soon known to be gone.
    worker = kind([queue], name=name, connection=redis_connection(found), worker_ttl=60)
    worker.pulse = pulse
    worker.work(logging_level="WARNING")


def _check_redis(found: Settings) -> None:
    """Raises ServerUnreachable with a sentence instead of a stack of frames."""
    try:
        redis_connection(found).ping()
    except redis.RedisError as error:
        raise ServerUnreachable(f"Redis does not answer at REDIS_URL: {error}") from error
