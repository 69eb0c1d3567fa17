"""Reads of the rules, and of the lanes that are held back, for staff."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from relay_worker.queue.traffic_desk import LaneState
from relay_worker.traffic.rules import DEFAULT, Reaction, TrafficRule

_RULES = text("SELECT * FROM relay.traffic_rule ORDER BY name <> :default, name")
_REACTIONS = text("SELECT * FROM relay.traffic_reaction ORDER BY rule, says")
_HELD_BACK = text("""
    SELECT * FROM relay.lane_state
    WHERE connections IS NOT NULL OR closed_until > :now OR per_minute_until > :now
    ORDER BY closed_until > :now DESC, changed_at DESC LIMIT :limit
""")


def traffic_rules(session: Session) -> list[TrafficRule]:
    """All rules, the default first."""
    reactions: defaultdict[str, list[Reaction]] = defaultdict(list)
    for row in session.execute(_REACTIONS).mappings():
        reactions[row["rule"]].append(_reaction(row))
    rows = session.execute(_RULES, {"default": DEFAULT}).mappings()
    return [_rule(row, reactions[row["name"]]) for row in rows]


def traffic_rule(session: Session, name: str) -> TrafficRule:
    """Raises NotFound."""
    for rule in traffic_rules(session):
        if rule.name == name:
            return rule
    raise NotFound(f"There is no traffic rule called {name}.")


def lanes_held_back(session: Session, now: datetime, *, limit: int = 200) -> list[LaneState]:
    """Lanes that get less than their rule allows: those that are closed first, then by their last change."""
    rows = session.execute(_HELD_BACK, {"now": now, "limit": limit}).mappings()
    return [LaneState(**row) for row in rows]


def _rule(row: RowMapping, reactions: Sequence[Reaction]) -> TrafficRule:
    return TrafficRule(**{**row, "mx_suffixes": tuple(row["mx_suffixes"])}, reactions=tuple(reactions))


def _reaction(row: RowMapping) -> Reaction:
    return Reaction(row["says"], row["pause_seconds"], row["messages_per_minute"], row["hold_seconds"])
