"""A queue in memory that is as fair as the database's: resellers in turn, and the lanes of each in turn."""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from platform_core.clock import Clock
from platform_core.ids import AccountId, MessageId, ResellerId
from platform_core.mail.states import RecipientState
from relay_worker.queue.claims import Claimed, Result, SenderIdentity
from relay_worker.queue.postgres import PER_LANE, PER_RESELLER
from tests.relay_worker.delivery.factories import RAW, SENDER, recipient

CALL_SECONDS = 0.002  # what a call of the database takes

Key = tuple[MessageId, int]


@dataclass
class Backlog:
    """What is ready in one lane of one reseller. Mail not asked for yet is but a number, so that a million costs nothing."""

    make: Callable[[], Claimed]
    unmade: int = 0
    made: deque[Claimed] = field(default_factory=deque)

    def __len__(self) -> int:
        return self.unmade + len(self.made)

    def take(self, limit: int) -> list[Claimed]:
        again = [self.made.popleft() for _ in range(min(limit, len(self.made)))]
        new = min(limit - len(again), self.unmade)
        self.unmade -= new
        return again + [self.make() for _ in range(new)]


class FairQueue:
    """`Claims` in memory. Leases do not run out here: the workers of these tests live on."""

    def __init__(self, clock: Clock, expires_at: datetime) -> None:
        self._clock = clock
        self._expires_at = expires_at
        self._rng = random.Random(1)
        self._numbers = count()
        self._ready: dict[int, dict[int, Backlog]] = {}
        self._waiting: list[tuple[datetime, int, Claimed]] = []
        self._held: dict[Key, Claimed] = {}
        self._after = -1
        self.results: list[Result] = []

    # --- for the test ---

    def put(self, domain: str, messages: int, *, reseller: int = 1) -> None:
        """Make so many messages to a domain due now, each to an address of its own."""
        lane = recipient(f"any@{domain}").lane
        lanes = self._ready.setdefault(reseller, {})
        lanes.setdefault(lane, Backlog(lambda: self._make(domain, reseller))).unmade += messages

    @property
    def open(self) -> int:
        """Recipients that have not come to an end."""
        ready = sum(len(backlog) for lanes in self._ready.values() for backlog in lanes.values())
        return ready + len(self._waiting) + len(self._held)

    @property
    def held(self) -> int:
        """Recipients that workers hold."""
        return len(self._held)

    def next_at(self) -> datetime | None:
        """When the first of what waits becomes due; None when nothing waits, the present when something is ready."""
        if any(backlog for lanes in self._ready.values() for backlog in lanes.values()):
            return self._clock.now()
        return self._waiting[0][0] if self._waiting else None

    def _make(self, domain: str, reseller: int) -> Claimed:
        return recipient(
            f"{next(self._numbers)}@{domain}",
            reseller_id=ResellerId(reseller),
            expires_at=self._expires_at,
            raw=RAW,
        )

    # --- Claims ---

    async def claim(self, limit: int, *, exclude_lanes: Sequence[int] = ()) -> list[Claimed]:
        """As relay.claim: from the reseller behind the one served last, round and round while there is anything."""
        await asyncio.sleep(CALL_SECONDS)
        self._wake()
        taken: list[Claimed] = []
        while len(taken) < limit:
            before = len(taken)
            for reseller in self._in_turn():
                share = min(PER_RESELLER, limit - len(taken))
                found = self._take(reseller, share, exclude_lanes)
                taken += found
                if found:
                    self._after = reseller
                if len(taken) == limit:
                    break
            if len(taken) == before:
                break
        self._held |= {(claimed.message_id, claimed.n): claimed for claimed in taken}
        return taken

    def _in_turn(self) -> list[int]:
        return sorted(self._ready, key=lambda reseller: (reseller <= self._after, reseller))

    def _take(self, reseller: int, limit: int, exclude_lanes: Sequence[int]) -> list[Claimed]:
        lanes = sorted(set(self._ready[reseller]) - set(exclude_lanes))
        start = self._rng.randrange(len(lanes)) if lanes else 0
        taken: list[Claimed] = []
        for lane in lanes[start:] + lanes[:start]:
            taken += self._ready[reseller][lane].take(min(PER_LANE, limit - len(taken)))
        return taken

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._clock.now():
            claimed = heapq.heappop(self._waiting)[2]
            self._ready[claimed.reseller_id][claimed.lane].made.append(claimed)

    async def body(self, reseller_id: ResellerId, message_id: MessageId) -> bytes:
        await asyncio.sleep(CALL_SECONDS)
        return RAW

    async def sender(self, reseller_id: ResellerId, account_id: AccountId, domain: str) -> SenderIdentity:
        await asyncio.sleep(CALL_SECONDS)
        return SENDER

    async def finish(self, results: Sequence[Result]) -> None:
        """Every result must be of a recipient that is held, and each is taken once."""
        await asyncio.sleep(CALL_SECONDS)
        self.results += results
        for result in results:
            claimed = self._held.pop((result.message_id, result.n))
            if result.state is RecipientState.DEFERRED:
                assert result.next_at is not None
                again = replace(claimed, attempts=claimed.attempts + 1)
                heapq.heappush(self._waiting, (result.next_at, next(self._numbers), again))

    async def postpone(self, recipients: Sequence[Key], until: Sequence[datetime]) -> None:
        await asyncio.sleep(CALL_SECONDS)
        for key, due_at in zip(recipients, until, strict=True):
            heapq.heappush(self._waiting, (due_at, next(self._numbers), self._held.pop(key)))

    async def hand_over(self, recipients: Sequence[Key], addresses: Sequence[int]) -> None:
        """There is but one machine here."""

    async def claim_handed(
        self, limit: int, addresses: Sequence[int], *, exclude_lanes: Sequence[int] = ()
    ) -> list[Claimed]:
        return []

    async def post(self, older: timedelta = timedelta()) -> int:
        await asyncio.sleep(CALL_SECONDS)
        return 0

    async def renew(self, recipients: Sequence[Key]) -> None:
        await asyncio.sleep(CALL_SECONDS)
