"""The states of a recipient and the way from one to the next."""

from enum import StrEnum


class RecipientState(StrEnum):
    """Where one recipient of one message stands; every statistic counts these."""

    QUEUED = "queued"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    DROPPED = "dropped"


class BounceKind(StrEnum):
    """Hard: the address will never take mail. Soft: everything else that ended a delivery."""

    HARD = "hard"
    SOFT = "soft"


class SuppressionReason(StrEnum):
    """Why an account no longer sends to an address."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


# A result may come late or twice: a worker dies after the remote took the mail and before it could write, and another
# sends again. An end stays the end, whatever comes after; relay.finish keeps the same table in SQL.
TRANSITIONS: dict[RecipientState, frozenset[RecipientState]] = {
    RecipientState.QUEUED: frozenset(RecipientState) - {RecipientState.QUEUED},
    RecipientState.DEFERRED: frozenset(RecipientState) - {RecipientState.QUEUED},
    RecipientState.DELIVERED: frozenset(),
    RecipientState.BOUNCED: frozenset(),
    RecipientState.EXPIRED: frozenset(),
    RecipientState.DROPPED: frozenset(),
}

OPEN_STATES = frozenset({RecipientState.QUEUED, RecipientState.DEFERRED})


def may_follow(current: RecipientState, following: RecipientState) -> bool:
    """True when a recipient in `current` may move to `following`."""
    return following in TRANSITIONS[current]
