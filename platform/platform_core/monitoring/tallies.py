"""Counting on the hot path: plain numbers in the process's one loop, made into metrics when somebody asks.

A counter of prometheus_client takes a lock for each event; these take a tenth of that time.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)


class Tally:
    """How often what has happened; `labels` name the parts of what is counted."""

    def __init__(self, name: str, meaning: str, labels: Sequence[str]) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = labels
        self._counts: Counter[Hashable] = Counter()

    def add(self, events: Iterable[Hashable]) -> None:
        """Each is a text, or a tuple when there are several labels."""
        self._counts.update(events)

    def family(self) -> CounterMetricFamily:
        family = CounterMetricFamily(self._name, self._meaning, labels=self._labels)
        for event, count in list(self._counts.items()):
            values = event if isinstance(event, tuple) else (event,)
            family.add_metric([str(value) for value in values], count)
        return family


class Spread:
    """How values are spread over buckets, each of which takes what is at most its bound."""

    def __init__(self, name: str, meaning: str, bounds: Sequence[float] = SECONDS) -> None:
        self._name = name
        self._meaning = meaning
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def family(self) -> HistogramMetricFamily:
        total, buckets = 0, []
        for bound, count in zip([*map(str, self._bounds), "+Inf"], list(self._counts), strict=True):
            total += count
            buckets.append((bound, total))
        family = HistogramMetricFamily(self._name, self._meaning)
        family.add_metric([], buckets, self._sum)
        return family
