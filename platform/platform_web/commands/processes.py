"""`frankpost web`, `jobs`, `cron`: processes of the product, each in the foreground. `relay` and `worker` are beside it.

Each may be started as often as wanted, cron too: its jobs tolerate running twice.
"""

import os
import sys

import click
from rq.cron import CronScheduler

from billing.dunning import jobs as dunning_jobs
from billing.invoices import jobs as invoice_jobs
from billing.ledger import jobs as ledger_jobs
from billing.payments import jobs as payment_jobs
from billing.plans import jobs as plan_jobs
from billing.rentals import jobs as rental_jobs
from platform_core.logging import configure_logging
from platform_core.monitoring.pulse import Pulse
from platform_core.queues import QueueName, redis_connection
from platform_core.settings import ROOT, settings
from platform_web.commands.watching import cron_watch, jobs_watch
from platform_web.commands.working import LOOP_SECONDS, check_redis, work
from platform_web.headless import headless_context
from relay_worker.addresses import jobs as address_jobs
from relay_worker.delivery.tls import jobs as tls_jobs
from relay_worker.holding import jobs as holding_jobs
from relay_worker.inbound import jobs as inbound_jobs
from relay_worker.notices import jobs as notice_jobs
from relay_worker.queue import jobs as queue_jobs
from relay_worker.queue import partition_jobs, pause_jobs
from relay_worker.retention import jobs as retention_jobs
from relay_worker.traffic import jobs as traffic_jobs
from tenants.domains import jobs as domain_jobs
from tenants.pending import jobs as pending_jobs


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
def jobs() -> None:
    """Do the work that may wait: sweeps, rechecks, upkeep."""
    found = settings()
    configure_logging(found, process="jobs")
    pulse = Pulse(LOOP_SECONDS)
    with headless_context(found) as app, jobs_watch(found, pulse, app):
        work(found, QueueName.UPKEEP, pulse)


@click.command()
def cron() -> None:
    """Enqueue recurring jobs at their time."""
    found = settings()
    configure_logging(found, process="cron")
    check_redis(found)
    scheduler = _Scheduler(redis_connection(found), logging_level="WARNING")
    scheduler.pulse = Pulse(LOOP_SECONDS)
    for function, when in (
        (queue_jobs.sweep, {"interval": queue_jobs.SWEEP_SECONDS}),
        (queue_jobs.record_again, {"interval": queue_jobs.RECORD_AGAIN_SECONDS}),
        (notice_jobs.send_notices, {"interval": notice_jobs.EVERY_SECONDS}),
        (
            partition_jobs.keep_partitions,
            {"cron": partition_jobs.CRON, "job_timeout": partition_jobs.TIMEOUT_SECONDS},
        ),
        (inbound_jobs.read, {"interval": inbound_jobs.SWEEP_SECONDS}),
        (inbound_jobs.forget_old, {"cron": inbound_jobs.FORGET_CRON}),
        (domain_jobs.enqueue_rechecks, {"cron": domain_jobs.CRON}),
        (tls_jobs.forget_old, {"cron": tls_jobs.CRON}),
        (traffic_jobs.forget_old, {"cron": traffic_jobs.CRON}),
        (invoice_jobs.bill_month, {"cron": invoice_jobs.BILL_CRON}),
        (invoice_jobs.send_invoices, {"interval": invoice_jobs.SEND_SECONDS}),
        (address_jobs.keep_addresses, {"cron": address_jobs.CRON}),
        (address_jobs.take_back_rented, {"cron": address_jobs.TAKE_BACK_CRON}),
        (payment_jobs.apply_events, {"interval": payment_jobs.EVENTS_SECONDS}),
        (payment_jobs.top_up_accounts, {"interval": payment_jobs.TOP_UPS_SECONDS}),
        (payment_jobs.tell_of_stopped_top_ups, {"cron": payment_jobs.NOTICES_CRON}),
        (payment_jobs.deliver_again, {"cron": payment_jobs.DELIVER_CRON}),
        (pending_jobs.find_lost, {"cron": pending_jobs.CRON, "job_timeout": pending_jobs.TIMEOUT_SECONDS}),
        (ledger_jobs.enqueue_upkeep, {"cron": ledger_jobs.CRON}),
        (plan_jobs.enqueue_renewals, {"cron": plan_jobs.CRON}),
        (rental_jobs.renew_rentals, {"cron": rental_jobs.CRON}),
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
