"""Figures of a relay process that are read when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from relay_worker.submission.listeners import Relay


class RelayFigures(Collector):
    """Open sessions and rejected logins of a relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "frankpost_smtp_sessions", "SMTP sessions that are open.", self._relay.open_sessions
        )
        yield CounterMetricFamily(
            "frankpost_smtp_rejected_logins",
            "Logins with a wrong name or secret.",
            self._relay.rejected_logins,
        )
