"""What becomes of a warm-up after a day: a stage up, the same again, or a stage down."""

from dataclasses import dataclass
from enum import StrEnum

from relay_worker.addresses.tally import Tally
from relay_worker.addresses.warmup.ladder import FIRST, is_top

USED = 0.90  # of the day's limit: only what was borne shows that more can be (SparkPost)
DELIVERED = 0.90
BOUNCED = 0.04  # Postmark pauses there
COMPLAINED = 0.001  # Google: "below 0.1 %"
# One reply may be about anything; a burst is a share of many.
BURST_REPLIES = 10
BLOCK_BURST = 0.05
THROTTLE_BURST = 0.10


class Verdict(StrEnum):
    """What a day came to, with its reason. The values are stored."""

    ADVANCED = "advanced"
    FINISHED = "finished"
    BLOCKED = "blocked"
    THROTTLED = "throttled"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNDELIVERED = "undelivered"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class WarmupDay:
    """One day at one stage: its limit, what came of it, and of each hour of it."""

    limit: int
    total: Tally
    hours: tuple[Tally, ...] = ()

    @property
    def block_burst(self) -> bool:
        return any(_burst(one.blocked, one.block_rate, BLOCK_BURST) for one in (self.total, *self.hours))

    @property
    def throttle_burst(self) -> bool:
        return any(
            _burst(one.throttled, one.throttle_rate, THROTTLE_BURST) for one in (self.total, *self.hours)
        )


def judge(day: WarmupDay, stage: int, peak: int | None = None) -> Verdict:
    """The first of these that fits; bad news before good."""
    total = day.total
    if day.block_burst:
        return Verdict.BLOCKED
    if day.throttle_burst:
        return Verdict.THROTTLED
    if total.complaint_rate >= COMPLAINED:
        return Verdict.COMPLAINED
    if total.bounce_rate >= BOUNCED:
        return Verdict.BOUNCED
    if total.attempts <= USED * day.limit:
        return Verdict.UNUSED
    if total.delivery_rate < DELIVERED:
        return Verdict.UNDELIVERED
    return Verdict.FINISHED if is_top(stage, peak) else Verdict.ADVANCED


def next_stage(stage: int, verdict: Verdict) -> int:
    """The stage after a day with this verdict: one up when all was well, one down after a block, else the same."""
    match verdict:
        case Verdict.ADVANCED:
            return stage + 1
        case Verdict.BLOCKED:
            return max(stage - 1, FIRST)
    return stage


def _burst(replies: int, rate: float, bound: float) -> bool:
    return replies >= BURST_REPLIES and rate >= bound
