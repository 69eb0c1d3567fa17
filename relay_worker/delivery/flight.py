"""What a worker holds under its leases, and how much more of which lanes it may take."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from platform_core.ids import MessageId
from relay_worker.queue.claims import Claimed

STALL_SECONDS = 5.0
LEAST_SHARE = 16
SHARE_SECONDS = 2.0
STALLED_FACTOR = 4  # what stalled lanes hold may come on top, up to so many times the limit in all

Key = tuple[MessageId, int]


@dataclass(slots=True)
class _LaneHold:
    """What is held of one lane, when it last made progress, and how many landed in about the last second."""

    moved_at: float
    keys: set[Key] = field(default_factory=set)
    landed: float = 0.0

    def rate(self, now: float) -> float:
        """Recipients a second, the past fading out exponentially."""
        return self.landed * math.exp(self.moved_at - now)

    def land(self, key: Key, now: float) -> None:
        self.landed = self.rate(now) + 1
        self.moved_at = now
        self.keys.discard(key)


@dataclass(frozen=True, slots=True)
class _Entry:
    lane: int
    leased_at: float


class Flight:
    """All recipients in flight, bounded in number and in bytes.

    A lane's share is what it gets rid of in 2 seconds, at least 16 and at most half of all. Beyond its share it gets
    nothing new, and what it holds beyond it is not counted against the others; nor is anything in a lane from which
    nothing came back for 5 seconds. Else a few slow or dead destinations would fill the worker.
    """

    def __init__(
        self, max_recipients: int, max_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_recipients = max_recipients
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: dict[Key, _Entry] = {}
        self._lanes: dict[int, _LaneHold] = {}
        self._holders: Counter[MessageId] = Counter()
        self._sizes: dict[MessageId, int] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def take(self, claimed: Claimed) -> bool:
        """Hold a recipient just claimed; False when we hold it already (its lease ran out on the way)."""
        key = claimed.message_id, claimed.n
        if key in self._entries:
            return False
        now = self._clock()
        self._entries[key] = _Entry(claimed.lane, now)
        self._lanes.setdefault(claimed.lane, _LaneHold(now)).keys.add(key)
        self._holders[claimed.message_id] += 1
        if claimed.message_id not in self._sizes:
            self._sizes[claimed.message_id] = claimed.size
            self._bytes += claimed.size
        return True

    def release(self, message_id: MessageId, n: int) -> None:
        """Let go of a recipient whose result is recorded, or whom another attempt will find."""
        entry = self._entries.pop((message_id, n), None)
        if entry is None:
            return
        self._leave_lane(entry.lane, (message_id, n))
        self._holders[message_id] -= 1
        if not self._holders[message_id]:
            del self._holders[message_id]
            self._bytes -= self._sizes.pop(message_id)

    def room(self) -> int:
        """How many recipients may be claimed now."""
        if self._bytes >= self._max_bytes:
            return 0
        now = self._clock()
        moving = sum(
            min(len(hold.keys), self._share(hold, now))
            for hold in self._lanes.values()
            if now - hold.moved_at < STALL_SECONDS
        )
        return max(
            0,
            min(
                self._max_recipients - moving,
                self._max_recipients * STALLED_FACTOR - len(self._entries),
            ),
        )

    def crowded_lanes(self) -> list[int]:
        """The lanes that shall get nothing new for now."""
        now = self._clock()
        return [
            lane
            for lane, hold in self._lanes.items()
            if now - hold.moved_at >= STALL_SECONDS or len(hold.keys) >= self._share(hold, now)
        ]

    def leased_before(self, seconds: float) -> list[Key]:
        """The recipients whose lease began or was renewed more than `seconds` ago."""
        limit = self._clock() - seconds
        return [key for key, entry in self._entries.items() if entry.leased_at <= limit]

    def renewed(self, keys: Sequence[Key]) -> None:
        """The leases of these begin anew."""
        now = self._clock()
        for key in keys:
            if key in self._entries:
                self._entries[key] = _Entry(self._entries[key].lane, now)

    def _leave_lane(self, lane: int, key: Key) -> None:
        hold = self._lanes[lane]
        hold.land(key, self._clock())
        if not hold.keys:
            del self._lanes[lane]

    def _share(self, hold: _LaneHold, now: float) -> int:
        share = max(LEAST_SHARE, int(SHARE_SECONDS * hold.rate(now)))
        return max(1, min(share, self._max_recipients // 2))
