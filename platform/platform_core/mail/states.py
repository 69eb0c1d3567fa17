"""The states of a recipient and the way from one to the next."""

from enum import StrEnum


class RecipientState(StrEnum):
    """Where one recipient of one message stands; every statistic counts these."""

    QUEUED = "queued"
    HELD = "held"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    DROPPED = "dropped"


class BounceKind(StrEnum):
    """Hard: the address will never take mail. Soft: everything else that ended a delivery."""

    HARD = "hard"
    SOFT = "soft"


class EventKind(StrEnum):
    """What the history of a recipient holds: where an attempt has led (the states' own names), and what came back."""

    HELD = "held"  # at the end of the account's quota
    RELEASED = "released"  # paid for, and in the queue
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    DROPPED = "dropped"
    DELAYED = "delayed"  # the receiving side still tries, beyond the server that took the message
    CONFIRMED = "confirmed"  # the receiving side says that it has delivered
    AUTO_REPLIED = "auto_replied"
    COMPLAINED = "complained"
    NOT_SPAM = "not_spam"
    UNSUBSCRIBED = "unsubscribed"


class SuppressionReason(StrEnum):
    """Why an account no longer sends to an address."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


# A result may come late or twice: a worker dies after the remote took the mail and before it could write, and another
# sends again. An end stays the end, whatever comes after; relay.finish keeps the same table in SQL.
TRANSITIONS: dict[RecipientState, frozenset[RecipientState]] = {
    RecipientState.HELD: frozenset(),
    RecipientState.QUEUED: frozenset(RecipientState) - {RecipientState.QUEUED, RecipientState.HELD},
    RecipientState.DEFERRED: frozenset(RecipientState) - {RecipientState.QUEUED, RecipientState.HELD},
    RecipientState.DELIVERED: frozenset(),
    RecipientState.BOUNCED: frozenset(),
    RecipientState.EXPIRED: frozenset(),
    RecipientState.DROPPED: frozenset(),
}

# What a report that comes back later may still change: a server took the message, and then could not deliver it. What is
# open is the queue's, and a report on it changes no state; the tenants' function `feedback` keeps this table in SQL.
BY_REPORT: dict[RecipientState, frozenset[RecipientState]] = {
    RecipientState.DELIVERED: frozenset({RecipientState.BOUNCED}),
}

# What becomes of recipients that are not in the queue but held: released when quota covers them, discarded, or given up.
# No attempt can do that to them; the tenants' functions `release_held` and `end_held` keep this table in SQL.
BY_QUOTA: dict[RecipientState, frozenset[RecipientState]] = {
    RecipientState.HELD: frozenset({RecipientState.QUEUED, RecipientState.DROPPED, RecipientState.EXPIRED}),
}

# Those in the queue.
OPEN_STATES = frozenset({RecipientState.QUEUED, RecipientState.DEFERRED})


def may_follow(current: RecipientState, following: RecipientState) -> bool:
    """True when an attempt may move a recipient in `current` to `following`."""
    return following in TRANSITIONS[current]


def may_follow_report(current: RecipientState, following: RecipientState) -> bool:
    """True when a report that came back may move a recipient in `current` to `following`."""
    return following in BY_REPORT.get(current, frozenset())
