"""What a reply tells a lane: that the server wants less of us for a while, and for how long."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from relay_worker.bounces.classes import OutcomeClass
from relay_worker.bounces.classify import classify, plain
from relay_worker.delivery.transaction import Stage

LONGEST_HINT = timedelta(hours=24)

_UNITS = {"s": 1, "m": 60, "h": 3600}
_AMOUNT = r"(\d{1,5}) ?(s|sec|secs|seconds?|m|min|mins|minutes?|h|hrs?|hours?)\b"
_ASKED = r"(?:again|retry|retrying|wait|back|later|resend|reconnect|deferred|delayed|gr[ae]y-?listed|throttled|blocked|limited)"
_IN_UNITS = re.compile(
    rf"\b{_ASKED}\b[^.;\d]{{0,30}}?\b(?:in|after|for|until|within)?\b[^.;\d]{{0,20}}?\b{_AMOUNT}"
)
_IN_CLOCK = re.compile(
    rf"\b{_ASKED}\b[^.;\d]{{0,30}}?\b(\d\d):(\d\d):(\d\d)\b"
)  # milter-greylist: "in 00:05:00"
_BARE = re.compile(r"\bretry[- ]after[:= ]{1,3}(\d{1,5})\b(?! ?(?:s|m|h))")  # seconds, as HTTP has it

# What one recipient or one message gets too much of is not about the lane. Google's 4.2.1 and 4.5.3.
_ABOUT_ONE = re.compile(
    r"receivingrate|too many recipients|recipients per|(?:user|recipient|mailbox|account) .{0,60}\brate\b|(?:user|mailbox) is receiving"
)


class Strain(StrEnum):
    """What the server complains of: how much we send, who we are to it, or its own load."""

    RATE = "rate"
    REPUTATION = "reputation"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Throttle:
    """A reply that is about the lane. `wait` is what the server asked for, None when it named no time."""

    strain: Strain
    wait: timedelta | None


_STRAINS = {
    OutcomeClass.RATE_LIMITED: Strain.RATE,
    OutcomeClass.BLOCK_REPUTATION: Strain.REPUTATION,
    OutcomeClass.REVERSE_DNS: Strain.REPUTATION,
}
# A 4.7.x with one of these is about the message or its recipient after all.
_NOT_THE_LANE = frozenset(
    {
        OutcomeClass.GREYLISTED,
        OutcomeClass.AUTHENTICATION,
        OutcomeClass.SENDER_REFUSED,
        OutcomeClass.TLS_REQUIRED,
        OutcomeClass.TLS_FAILED,
        OutcomeClass.SPAM_CONTENT,
        OutcomeClass.CONTENT_REFUSED,
        OutcomeClass.MAILBOX_FULL,
        OutcomeClass.MESSAGE_TOO_LARGE,
        OutcomeClass.RELAY_DENIED,
        OutcomeClass.LOOP,
        OutcomeClass.RECIPIENT_UNCONFIRMED,
        OutcomeClass.ADDRESS_SUSPENDED,
    }
)


def throttles(code: int, enhanced: str, text: str, *, stage: Stage | None = None) -> Throttle | None:
    """How a reply strains the lane it came on; None when it is about one message or recipient only."""
    if 200 <= code < 400:
        return None
    outcome = classify(code, enhanced, text, stage=stage)
    strain = _STRAINS.get(outcome) or _by_code(code, enhanced, outcome)
    if strain is None or _ABOUT_ONE.search(plain(text)):
        return None
    return Throttle(strain, rate_hint(text))


def rate_hint(text: str) -> timedelta | None:
    """The time after which a server asks us to come back ("try again in 300 seconds"), at most a day."""
    words = plain(text)
    if match := _IN_CLOCK.search(words):
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
    elif match := _IN_UNITS.search(words):
        seconds = int(match[1]) * _UNITS[match[2][0]]
    elif match := _BARE.search(words):
        seconds = int(match[1])
    else:
        return None
    return min(timedelta(seconds=seconds), LONGEST_HINT) if seconds else None


def _by_code(code: int, enhanced: str, outcome: OutcomeClass) -> Strain | None:
    """RFC 5321 3.8: a server that is about to close says 421; 4.7.x is a refusal of us that passes (RFC 3463 3.8)."""
    if outcome in _NOT_THE_LANE:
        return None
    if code == 421:
        return Strain.BUSY
    return Strain.REPUTATION if 400 <= code < 500 and enhanced.startswith("4.7.") else None
