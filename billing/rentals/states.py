"""The states of a rental of dedicated IPs, and what leads from one to another."""

from collections.abc import Mapping
from enum import StrEnum


class RentalStatus(StrEnum):
    """PAST_DUE keeps its addresses, and dunning counts its grace. ENDED gives them back, and is the end."""

    ACTIVE = "active"
    PAST_DUE = "past_due"
    ENDED = "ended"


RUNNING = frozenset({RentalStatus.ACTIVE, RentalStatus.PAST_DUE})


class RentalEvent(StrEnum):
    """PAID: the period that was begun; UNPAID: the money for it was not there; OVER: nothing follows, or dunning ends it.

    REGAINED: the payment that had gone back has returned.
    """

    PAID = "paid"
    UNPAID = "unpaid"
    OVER = "over"
    REGAINED = "regained"


# What is not here changes nothing: late and doubled news included.
TRANSITIONS: Mapping[tuple[RentalStatus, RentalEvent], RentalStatus] = {
    (RentalStatus.ACTIVE, RentalEvent.UNPAID): RentalStatus.PAST_DUE,
    (RentalStatus.ACTIVE, RentalEvent.OVER): RentalStatus.ENDED,
    (RentalStatus.PAST_DUE, RentalEvent.PAID): RentalStatus.ACTIVE,
    # A second period in a row is not given on credit.
    (RentalStatus.PAST_DUE, RentalEvent.UNPAID): RentalStatus.ENDED,
    (RentalStatus.PAST_DUE, RentalEvent.OVER): RentalStatus.ENDED,
    (RentalStatus.ENDED, RentalEvent.REGAINED): RentalStatus.ACTIVE,
}


def after(status: RentalStatus, event: RentalEvent) -> RentalStatus:
    """The state that an event leads to."""
    return TRANSITIONS.get((status, event), status)
