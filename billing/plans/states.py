"""The states of a plan, and what leads from one to another."""

from collections.abc import Mapping
from enum import StrEnum


class PlanStatus(StrEnum):
    """TRIAL and ACTIVE send; so does PAST_DUE, whose grace dunning counts. SUSPENDED and ENDED include no mail."""

    TRIAL = "trial"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    SUSPENDED = "suspended"
    ENDED = "ended"


RUNNING = frozenset({PlanStatus.TRIAL, PlanStatus.ACTIVE, PlanStatus.PAST_DUE})  # those that include mail


class PlanEvent(StrEnum):
    """What can befall a plan. PAID: a period that was begun; UNPAID: the money for it was not there."""

    PAID = "paid"
    UNPAID = "unpaid"
    SUSPENDED = "suspended"  # by dunning, or by staff
    OVER = "over"  # the period is, and nothing follows


# What is not here changes nothing: late and doubled news included.
TRANSITIONS: Mapping[tuple[PlanStatus, PlanEvent], PlanStatus] = {
    (PlanStatus.TRIAL, PlanEvent.PAID): PlanStatus.ACTIVE,
    # Nothing was ever paid, so there is no grace.
    (PlanStatus.TRIAL, PlanEvent.UNPAID): PlanStatus.SUSPENDED,
    (PlanStatus.TRIAL, PlanEvent.SUSPENDED): PlanStatus.SUSPENDED,
    (PlanStatus.TRIAL, PlanEvent.OVER): PlanStatus.ENDED,
    (PlanStatus.ACTIVE, PlanEvent.UNPAID): PlanStatus.PAST_DUE,
    (PlanStatus.ACTIVE, PlanEvent.SUSPENDED): PlanStatus.SUSPENDED,
    (PlanStatus.ACTIVE, PlanEvent.OVER): PlanStatus.ENDED,
    (PlanStatus.PAST_DUE, PlanEvent.PAID): PlanStatus.ACTIVE,
    # A second period in a row is not given on credit.
    (PlanStatus.PAST_DUE, PlanEvent.UNPAID): PlanStatus.SUSPENDED,
    (PlanStatus.PAST_DUE, PlanEvent.SUSPENDED): PlanStatus.SUSPENDED,
    (PlanStatus.PAST_DUE, PlanEvent.OVER): PlanStatus.ENDED,
    (PlanStatus.SUSPENDED, PlanEvent.PAID): PlanStatus.ACTIVE,
    (PlanStatus.SUSPENDED, PlanEvent.OVER): PlanStatus.ENDED,
}


def after(status: PlanStatus, event: PlanEvent) -> PlanStatus:
    """The state that an event leads to."""
    return TRANSITIONS.get((status, event), status)
