"""All lanes of a worker, and the gates that they pass through."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from platform_core.clock import Clock
from relay_worker.delivery.connector import Connector
from relay_worker.delivery.lanes.gate import Gate
from relay_worker.delivery.lanes.lane import Access, Ends, Lane, Postpone, Settle
from relay_worker.delivery.lanes.limits import LaneLimits
from relay_worker.delivery.lanes.permits import LocalPermits, Permits
from relay_worker.delivery.lanes.sites import Site, Sites
from relay_worker.delivery.pool import Slots
from relay_worker.delivery.tls.policy import TlsDemand
from relay_worker.delivery.transaction import Transaction
from relay_worker.queue.traffic_desk import LaneState

MIN_PRUNED = 256
MOST_EXCLUDED = 500  # lanes; a claim compares each lane that it meets with all of them
PAUSE_TERM = timedelta(seconds=5)  # after which the queue, which knows of the pause, sees to what is put back
LONGEST_SPREAD = timedelta(minutes=10)
# Between looks into a closed lane of the queue, for mail that another of our addresses sends.
LOOK_SECONDS = 5.0

_LaneKey = tuple[str, TlsDemand, str]
_GateKey = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Bearings:
    """What lanes are made with. `permits`: those shared with the other workers; `may_send`: set while the answers to what is
    sent can be taken.
    """

    connector: Connector
    slots: Slots
    limits: LaneLimits
    permits: Permits
    clock: Clock
    rng: random.Random
    may_send: asyncio.Event


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """`waiting`: transactions in the lanes' lines; `closed`: lanes on which nothing can be sent for now."""

    lanes: int
    waiting: int
    closed: int


class Lanes:
    """Lanes are made when first needed and dropped when deserted; gates stay while they hold anything back."""

    def __init__(self, bearings: Bearings, sites: Sites, settle: Settle, postpone: Postpone) -> None:
        self._bearings = bearings
        self._sites = sites
        self._postpone = postpone
        self._ends = Ends(settle, self._put_back, self._note_down, bearings.may_send)
        self._alone = LocalPermits()  # for servers at which no other worker is counted
        self._lanes: dict[_LaneKey, Lane] = {}
        self._gates: dict[_GateKey, Gate] = {}
        self._lanes_of: defaultdict[Gate, set[Lane]] = defaultdict(set)
        self._fed_by: defaultdict[int, set[Lane]] = defaultdict(set)
        self._shut: set[Gate] = set()
        self._down: set[Lane] = set()
        self._looked_at: dict[int, float] = {}
        self._paused: frozenset[int] = frozenset()
        self._known: dict[_GateKey, LaneState] = {}
        self._prune_beyond = MIN_PRUNED

    def put(self, site: Site, access: Access, transaction: Transaction) -> None:
        """Queue one transaction on the lane it belongs to, or put it back while that is closed.

        Mail that may go in clear has a lane of its own, so that a server's broken TLS never stops it.
        """
        lane = self._lane(site, access)
        due_lane = transaction.recipients[0].lane
        if due_lane not in lane.due_lanes:
            lane.due_lanes.add(due_lane)
            self._fed_by[due_lane].add(lane)
        until = self._closed_until(lane.gate) if lane.gate in self._shut else None
        if until is None:
            lane.put(transaction)
        else:
            self._put_back(transaction, until)

    def closed_lanes(self) -> list[int]:
        """The queue's lanes of which nothing can be sent for now, so that nothing of them need be claimed.

        The queue does not know which address sends what is on a lane. So that mail of an address never met here does not
        wait with that of the closed ones, a lane is left open once every few seconds.
        """
        open_again = [gate for gate in self._shut if self._closed_until(gate) is None]
        self._shut.difference_update(open_again)
        self._down = {lane for lane in self._down if lane.down}
        closed = {due for lane in self._at_rest() for due in lane.due_lanes}
        mute = [due for due in closed if all(self._rests(lane) for lane in self._fed_by[due])]
        looked_into = self._looks(mute)
        return list(islice((due for due in mute if due not in looked_into), MOST_EXCLUDED))

    def figures(self) -> LaneFigures:
        """How it stands now; may be called from another thread."""
        lanes = list(self._lanes.values())
        closed = sum(lane.down or self._closed_until(lane.gate) is not None for lane in lanes)
        return LaneFigures(len(lanes), sum(lane.waiting for lane in lanes), closed)

    async def close(self) -> None:
        """Break every connection and end all work within a second."""
        workers = {worker for lane in self._lanes.values() for worker in lane.stop()}
        if workers:
            _, stuck = await asyncio.wait(workers, timeout=1)
            for worker in stuck:  # those that were about to connect
                worker.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)

    # --- what all workers know ---

    def adopt(self, states: Iterable[LaneState], paused: frozenset[int]) -> None:
        """What others have found out about lanes, and which of them staff have paused."""
        for state in states:
            key = state.lane, state.source
            gate = self._gates.get(key)
            if gate is None:
                self._known[key] = state
            else:
                known = gate.state is self._known[key]
                gate.adopt(state, known=known)
                if known:
                    self._known[key] = gate.state
        newly, self._paused = paused - self._paused, paused
        for lane in self._lanes.values() if newly else ():
            if lane.gate.site.lane in newly or not newly.isdisjoint(lane.due_lanes):
                lane.put_back(self._bearings.clock.now() + PAUSE_TERM)

    async def thin_out(self) -> None:
        """On lanes that give way close the connections that all workers together have too many. Call it every second."""
        for gate in [gate for gate in self._gates.values() if gate.state.connections is not None]:
            await gate.thin_out()

    def take_changed(self) -> list[LaneState]:
        """States of lanes that the others do not know yet."""
        changed = {key: gate.state for key, gate in self._gates.items() if gate.state is not self._known[key]}
        self._known |= changed
        return list(changed.values())

    # --- lanes and gates ---

    def _lane(self, site: Site, access: Access) -> Lane:
        key = access.destination.key, access.demand, access.source or ""
        lane = self._lanes.get(key)
        if lane is None:
            self._prune()
            gate = self._gate(site, access.source or "")
            bearings = self._bearings
            lane = Lane(
                access, gate, bearings.connector, bearings.slots, self._ends, lambda: self._sites.book
            )
            self._lanes[key] = lane
            self._lanes_of[gate].add(lane)
        # The addresses may have changed since, and the demand is equal, but of the domain whose report the next session
        # belongs to.
        lane.access = access
        lane.gate.follow(site)
        return lane

    def _gate(self, site: Site, source: str) -> Gate:
        key = site.lane, source
        gate = self._gates.get(key)
        if gate is None:
            bearings = self._bearings
            permits = bearings.permits if site.bounded else self._alone
            gate = Gate(site, source, bearings.limits, permits, bearings.clock, self._close)
            self._gates[key] = gate
            if key in self._known:
                gate.adopt(self._known[key], known=True)
            self._known[key] = gate.state
        return gate

    def _prune(self) -> None:
        """Now and then, so that looking at every lane costs nothing by the message."""
        if len(self._lanes) < self._prune_beyond:
            return
        for key, lane in list(self._lanes.items()):
            if lane.deserted:
                del self._lanes[key]
                self._lanes_of[lane.gate].discard(lane)
                for due in lane.due_lanes:
                    self._fed_by[due].discard(lane)
                    if not self._fed_by[due]:
                        del self._fed_by[due]
        for gate_key, gate in list(self._gates.items()):
            if not self._lanes_of[gate] and gate.eased and gate.state is self._known[gate_key]:
                del self._gates[gate_key], self._known[gate_key], self._lanes_of[gate]
                self._shut.discard(gate)
        self._prune_beyond = max(MIN_PRUNED, 2 * len(self._lanes))

    # --- what is closed ---

    def _closed_until(self, gate: Gate) -> datetime | None:
        return gate.closed_until(self._bearings.clock.now())

    def _close(self, gate: Gate, until: datetime) -> None:
        self._shut.add(gate)
        for lane in self._lanes_of[gate]:
            lane.put_back(until)

    def _looks(self, mute: Sequence[int]) -> set[int]:
        """Those whose turn it is to be looked into. Not where a destination is down: what is met there is answered for it."""
        now = time.monotonic()
        shut = [due for due in mute if all(lane.gate in self._shut for lane in self._fed_by[due])]
        self._looked_at = {due: self._looked_at.get(due, now) for due in shut}
        looked_into = {due for due, at in self._looked_at.items() if now - at >= LOOK_SECONDS}
        self._looked_at |= dict.fromkeys(looked_into, now)
        return looked_into

    def _note_down(self, lane: Lane) -> None:
        self._down.add(lane)

    def _at_rest(self) -> Iterator[Lane]:
        yield from self._down
        for gate in self._shut:
            yield from self._lanes_of[gate]

    def _rests(self, lane: Lane) -> bool:
        return lane.gate in self._shut or lane.down

    def _put_back(self, transaction: Transaction, until: datetime) -> None:
        """Spread over a while after that time, so that a lane that opens is not overrun."""
        left = until - self._bearings.clock.now()
        self._postpone(transaction, until + self._bearings.rng.random() * min(left / 4, LONGEST_SPREAD))
