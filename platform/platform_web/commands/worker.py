"""`frankpost worker`. Apart from the other processes: what they need would double the time in which it starts."""

import click

from platform_core.logging import configure_logging
from platform_core.monitoring.pulse import Pulse
from platform_core.queues import QueueName
from platform_core.settings import settings
from platform_web.commands.watching import worker_watch
from platform_web.commands.working import LOOP_SECONDS, Worker, work
from relay_worker.delivery.process import delivery_process


@click.command()
def worker() -> None:
    """Deliver mail."""
    found = settings()
    configure_logging(found, process="worker")
    pulse = Pulse(LOOP_SECONDS)
    try:
        with worker_watch(found, pulse):
            work(found, QueueName.DELIVERY, pulse, _DeliveryWorker)
    finally:
        # Also when Redis has gone away: what the remotes have said is still to be recorded.
        if delivery_process.cache_info().currsize:
            delivery_process().close()


class _DeliveryWorker(Worker):
    """Does not finish a long drain when it is told to stop."""

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if delivery_process.cache_info().currsize:
            delivery_process().end_soon()
