"""The queue in figures, on a session of the platform's rows. Read from a sample when counting anew would cost too much."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.ids import ResellerId

# The ages that are told apart; the last class is everything beyond.
AGES = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)


@dataclass(frozen=True, slots=True)
class Depth:
    """Recipients by where they stand: `ready` for any worker, `waiting` for their next try, `leased` by a worker, `paused`."""

    ready: int
    waiting: int
    leased: int
    paused: int

    @property
    def recipients(self) -> int:
        return self.ready + self.waiting + self.leased + self.paused


@dataclass(frozen=True, slots=True)
class ResellerDepth:
    reseller_id: ResellerId
    depth: Depth
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class LaneDepth:
    """One destination; `domain` is one of those that its mail servers serve, "" when it can't be told."""

    lane: int
    domain: str
    depth: Depth
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class AgeDepth:
    """What was accepted so long ago: less than `below`, and not less than the class before; None: without end."""

    below: timedelta | None
    depth: Depth


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """The whole queue as it was at `taken_at`. `lanes`: the fifty with most recipients."""

    taken_at: datetime
    resellers: tuple[ResellerDepth, ...]
    lanes: tuple[LaneDepth, ...]
    ages: tuple[AgeDepth, ...]

    @property
    def total(self) -> Depth:
        depths = [one.depth for one in self.resellers]
        return Depth(
            ready=sum(depth.ready for depth in depths),
            waiting=sum(depth.waiting for depth in depths),
            leased=sum(depth.leased for depth in depths),
            paused=sum(depth.paused for depth in depths),
        )

    @property
    def oldest_at(self) -> datetime | None:
        return min((one.oldest_at for one in self.resellers), default=None)


def queue_figures(session: Session) -> QueueFigures:
    """The queue, at most fifty times as old as counting it takes: milliseconds when it is short, a minute for millions.

    Commits, so that the next one who asks finds the sample.
    """
    found: dict[str, Any] = session.execute(text("SELECT relay.queue_figures()")).scalar_one()
    session.commit()
    return QueueFigures(
        taken_at=datetime.fromisoformat(found["taken_at"]),
        resellers=tuple(
            ResellerDepth(
                ResellerId(one["reseller_id"]), _depth(one), datetime.fromisoformat(one["oldest_at"])
            )
            for one in found["resellers"]
        ),
        lanes=tuple(
            LaneDepth(one["lane"], one["domain"] or "", _depth(one), datetime.fromisoformat(one["oldest_at"]))
            for one in found["lanes"]
        ),
        ages=tuple(
            AgeDepth(AGES[one["age"]] if one["age"] < len(AGES) else None, _depth(one))
            for one in found["ages"]
        ),
    )


def _depth(one: dict[str, Any]) -> Depth:
    return Depth(one["ready"], one["waiting"], one["leased"], one["paused"])
