"""Figures of a delivery worker that are read when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from relay_worker.delivery.process import delivery_process

_GAUGES = (
    ("in_flight", "frankpost_delivery_in_flight", "Recipients that this worker holds."),
    ("connections", "frankpost_delivery_connections", "Open SMTP connections to mail servers."),
    ("lanes", "frankpost_lanes", "Destinations this worker has a lane to."),
    ("waiting", "frankpost_lanes_waiting", "Transactions that wait in lanes."),
    (
        "backed_off",
        "frankpost_lanes_backed_off",
        "Lanes that are closed, or whose server takes no connection.",
    ),
)


class DeliveryFigures(Collector):
    """What the engine of this process holds, and what went through its claims; nothing before the first job."""

    def collect(self) -> Iterator[Metric]:
        if not delivery_process.cache_info().currsize:
            return
        process = delivery_process()
        figures = process.figures()
        for attribute, name, meaning in _GAUGES:
            yield GaugeMetricFamily(name, meaning, getattr(figures, attribute))
        yield from process.claims.collect()
