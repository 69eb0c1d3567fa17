"""The desk of traffic without a database, shared by as many workers as wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from relay_worker.queue.traffic_desk import LaneState
from relay_worker.traffic.rules import DEFAULT, TrafficRule

NO_RULE = TrafficRule(DEFAULT, (), False, 10, None, 100, None, False, "tests", date(2026, 11, 2))


def rule(name: str, *suffixes: str, **values: object) -> TrafficRule:
    """A rule for the servers under these suffixes, otherwise as the default."""
    return replace(NO_RULE, name=name, mx_suffixes=suffixes, one_lane=True, **values)  # type: ignore[arg-type]


class InMemoryTrafficDesk:
    """`queue.traffic_desk.TrafficDesk`."""

    def __init__(self, rules: Sequence[TrafficRule] = ()) -> None:
        self.every_rule = [NO_RULE, *rules]
        self.states: dict[tuple[int, str], LaneState] = {}
        self.paused: set[int] = set()
        self.learnt: dict[str, int] = {}

    async def rules(self) -> list[TrafficRule]:
        return self.every_rule

    async def paused_lanes(self) -> frozenset[int]:
        return frozenset(self.paused)

    async def lane_states(self, since: datetime) -> list[LaneState]:
        return [state for state in self.states.values() if state.changed_at >= since]

    async def keep(self, states: Sequence[LaneState]) -> None:
        for state in states:
            kept = self.states.get((state.lane, state.source))
            if kept is None or kept.changed_at <= state.changed_at:
                ends = [end for end in (state.closed_until, kept and kept.closed_until) if end]
                self.states[state.lane, state.source] = replace(state, closed_until=max(ends, default=None))

    async def learn(self, lanes: Mapping[str, int]) -> None:
        self.learnt |= lanes
