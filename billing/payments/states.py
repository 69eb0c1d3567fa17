"""States of payments, disputes and events, and which way leads from one to another."""

from enum import StrEnum


class PaymentState(StrEnum):
    """`disagreed`: something was paid, but not what was asked; nothing is delivered and a person has to look."""

    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    DISAGREED = "disagreed"


# News comes late, twice and in any order. Money that has arrived is the end of it: nothing leads away from PAID, and to
# it leads every other state, since a buyer may pay by bank after the session has expired here.
MOVES: dict[PaymentState, frozenset[PaymentState]] = {
    PaymentState.OPEN: frozenset(
        {PaymentState.PAID, PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.DISAGREED}
    ),
    PaymentState.FAILED: frozenset({PaymentState.PAID, PaymentState.DISAGREED}),
    PaymentState.EXPIRED: frozenset({PaymentState.PAID, PaymentState.DISAGREED}),
    PaymentState.PAID: frozenset(),
    PaymentState.DISAGREED: frozenset(),
}


class DisputeState(StrEnum):
    """An inquiry asks questions and moves no money. While a dispute is open the money is gone; won brings it back."""

    INQUIRY = "inquiry"
    OPEN = "open"
    WON = "won"
    LOST = "lost"


DISPUTE_MOVES: dict[DisputeState, frozenset[DisputeState]] = {
    DisputeState.INQUIRY: frozenset({DisputeState.OPEN, DisputeState.WON, DisputeState.LOST}),
    DisputeState.OPEN: frozenset({DisputeState.WON, DisputeState.LOST}),
    DisputeState.WON: frozenset(),
    DisputeState.LOST: frozenset(),
}


class EventState(StrEnum):
    """`waiting`: about something that another event has yet to tell us of."""

    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"
    WAITING = "waiting"
    FAILED = "failed"


SETTLED = frozenset({EventState.APPLIED, EventState.IGNORED})


class OrderState(StrEnum):
    """Of dedicated IPs that were paid for. Whatever is not ORDERED is closed; ENDED: addresses that it has go back."""

    ORDERED = "ordered"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    ENDED = "ended"
