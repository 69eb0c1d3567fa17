"""The desk of traffic, in Postgres."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from relay_worker.queue.postgres import database_call
from relay_worker.queue.traffic_desk import LaneState
from relay_worker.traffic.rules import Reaction, TrafficRule


class PostgresTrafficDesk:
    """`queue.traffic_desk.TrafficDesk` over asyncpg."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def rules(self) -> list[TrafficRule]:
        async with database_call(self._pool) as connection:
            rules = await connection.fetch("SELECT * FROM relay.traffic_rules()")
            reactions = await connection.fetch("SELECT * FROM relay.traffic_reactions()")
        by_rule: defaultdict[str, list[Reaction]] = defaultdict(list)
        for row in reactions:
            by_rule[row["rule"]].append(_reaction(row))
        return [_rule(row, tuple(by_rule[row["name"]])) for row in rules]

    async def paused_lanes(self) -> frozenset[int]:
        async with database_call(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM relay.paused_lanes() AS lane")
        return frozenset(row["lane"] for row in rows)

    async def lane_states(self, since: datetime) -> list[LaneState]:
        async with database_call(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM relay.lane_states($1)", since)
        return [LaneState(**dict(row)) for row in rows]

    async def keep(self, states: Sequence[LaneState]) -> None:
        async with database_call(self._pool) as connection:
            await connection.execute(
                "SELECT relay.keep_lane_states($1::relay.lane_state[])",
                [_state_row(state) for state in states],
            )

    async def learn(self, lanes: Mapping[str, int]) -> None:
        async with database_call(self._pool) as connection:
            await connection.execute("SELECT relay.learn_sites($1, $2)", list(lanes), list(lanes.values()))


def _rule(row: asyncpg.Record, reactions: tuple[Reaction, ...]) -> TrafficRule:
    values = dict(row) | {"mx_suffixes": tuple(row["mx_suffixes"])}
    return TrafficRule(**values, reactions=reactions)


def _reaction(row: asyncpg.Record) -> Reaction:
    return Reaction(row["says"], row["pause_seconds"], row["messages_per_minute"], row["hold_seconds"])


def _state_row(state: LaneState) -> tuple[object, ...]:
    """The state as the composite type relay.lane_state."""
    return (
        state.lane,
        state.source,
        state.site,
        state.rule,
        state.connections,
        state.per_minute,
        state.per_minute_until,
        state.closed_until,
        state.step,
        state.reason,
        state.changed_at,
    )
