"""What goes through the door about traffic: rules and pauses in, the state of lanes both ways, sites out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from relay_worker.traffic.rules import TrafficRule


@dataclass(frozen=True, slots=True)
class LaneState:
    """How the lane to `site` from our address `source` ("": the system's choice) is held back.

    `connections` None: as many as the rule allows. At most `per_minute` messages until `per_minute_until`, and none
    until `closed_until`. `step` counts the pauses in a row; `reason` is the reply that began it.
    """

    lane: int
    source: str
    site: str
    rule: str
    changed_at: datetime
    connections: int | None = None
    per_minute: int | None = None
    per_minute_until: datetime | None = None
    closed_until: datetime | None = None
    step: int = 0
    reason: str = ""


class TrafficDesk(Protocol):
    """A delivery worker's way to them. Every method raises Unavailable on a database fault."""

    async def rules(self) -> list[TrafficRule]:
        """All rules, `default` among them."""
        ...

    async def paused_lanes(self) -> frozenset[int]:
        """Lanes that staff have paused."""
        ...

    async def lane_states(self, since: datetime) -> list[LaneState]:
        """Those that any worker has changed since then."""
        ...

    async def keep(self, states: Sequence[LaneState]) -> None:
        """For the other workers, and for this one after a restart."""
        ...

    async def learn(self, lanes: Mapping[str, int]) -> None:
        """The lanes of these domains: mail accepted from now on is queued there."""
        ...
