"""The reputation of an address, 0 to 100, out of our own results and checks; it says what lowers it.

Mailbox providers publish no score of an address any more (Google took its own away in September 2025), so this one is
made of what they do: how much they take, how much they turn away, and how often their users complain.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from relay_worker.addresses.states import ListingEffect, PtrState
from relay_worker.addresses.tally import Tally

FULL = 100
# Below that many attempts a rate is chance.
LEAST_ATTEMPTS = 200


class Flaw(StrEnum):
    """What lowers a reputation."""

    DELIVERY = "delivery"
    BLOCKS = "blocks"
    COMPLAINTS = "complaints"
    LISTED = "listed"
    PTR_MISSING = "ptr_missing"
    PTR_UNCONFIRMED = "ptr_unconfirmed"
    HELO_UNCONFIRMED = "helo_unconfirmed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of an address: a week's results, and its last checks."""

    tally: Tally
    ptr: PtrState
    helo_confirmed: bool | None
    listings: tuple[ListingEffect, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """One flaw and the points that it costs."""

    flaw: Flaw
    points: int


@dataclass(frozen=True, slots=True)
class Reputation:
    """`measured`: False while there was too little mail to go by; the score is then that of the checks alone."""

    score: int
    reasons: tuple[Reason, ...]
    measured: bool


def reputation_of(evidence: Evidence) -> Reputation:
    """100, less what each rule takes away, and never below 0."""
    measured = evidence.tally.judged >= LEAST_ATTEMPTS
    rules = (*RATE_RULES, *CHECK_RULES) if measured else CHECK_RULES
    reasons = tuple(reason for rule in rules if (reason := rule(evidence)) is not None)
    return Reputation(max(FULL - sum(reason.points for reason in reasons), 0), reasons, measured)


def poor_delivery(evidence: Evidence) -> Reason | None:
    """Two points for each percent under 95, at most 40."""
    return _reason(Flaw.DELIVERY, 200 * (0.95 - evidence.tally.delivery_rate))


def many_blocks(evidence: Evidence) -> Reason | None:
    """Five points for each percent, at most 40: at 8 % a provider has made up its mind."""
    return _reason(Flaw.BLOCKS, 500 * evidence.tally.block_rate)


def many_complaints(evidence: Evidence) -> Reason | None:
    """Ten points for each tenth of a percent, at most 40: Google wants less than 0.1 %, and 0.3 % costs its help."""
    return _reason(Flaw.COMPLAINTS, 10_000 * evidence.tally.complaint_rate)


def listed(evidence: Evidence) -> Reason | None:
    """By what being listed does: 50 points, 25, or 5, for the worst of the lists."""
    points = {ListingEffect.STOP: 50, ListingEffect.LAST: 25, ListingEffect.SHOW: 5}
    return _reason(Flaw.LISTED, max((points[effect] for effect in evidence.listings), default=0), most=50)


def no_ptr(evidence: Evidence) -> Reason | None:
    """Google, Yahoo and Microsoft refuse mail from an address without reverse DNS."""
    return _reason(Flaw.PTR_MISSING, 30 if evidence.ptr is PtrState.MISSING else 0)


def ptr_leads_elsewhere(evidence: Evidence) -> Reason | None:
    """Google and Yahoo want it forward-confirmed."""
    return _reason(Flaw.PTR_UNCONFIRMED, 25 if evidence.ptr is PtrState.UNCONFIRMED else 0)


def helo_leads_elsewhere(evidence: Evidence) -> Reason | None:
    """RFC 5321 4.1.1.1 asks for a name that resolves; many filters check that it is this address."""
    return _reason(Flaw.HELO_UNCONFIRMED, 10 if evidence.helo_confirmed is False else 0)


Rule = Callable[[Evidence], Reason | None]
RATE_RULES: tuple[Rule, ...] = (poor_delivery, many_blocks, many_complaints)
CHECK_RULES: tuple[Rule, ...] = (listed, no_ptr, ptr_leads_elsewhere, helo_leads_elsewhere)


def _reason(flaw: Flaw, points: float, most: int = 40) -> Reason | None:
    rounded = min(round(points), most)
    return Reason(flaw, rounded) if rounded > 0 else None
