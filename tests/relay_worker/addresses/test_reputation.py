"""The score of an address and the reasons that lower it."""

import pytest

from platform_core.mail.states import RecipientState
from relay_worker.addresses.chooser import Landing
from relay_worker.addresses.landing import landing_of
from relay_worker.addresses.reputation import Evidence, Flaw, reputation_of
from relay_worker.addresses.states import ListingEffect, PtrState, Standing, standing_of
from relay_worker.addresses.tally import Tally
from relay_worker.bounces.classes import OutcomeClass


def evidence(tally: Tally = Tally(delivered=10_000), **changes: object) -> Evidence:  # noqa: B008 - frozen
    values = {"ptr": PtrState.CONFIRMED, "helo_confirmed": True, "listings": ()}
    return Evidence(tally, **(values | changes))  # type: ignore[arg-type]


def test_a_clean_address_has_the_full_score() -> None:
    found = reputation_of(evidence())
    assert (found.score, found.reasons, found.measured) == (100, (), True)


@pytest.mark.parametrize(
    ("tally", "points"),
    [
        (Tally(delivered=9_500, bounced=500), {}),
        (Tally(delivered=9_000, bounced=1_000), {Flaw.DELIVERY: 10}),
        (Tally(delivered=9_800, blocked=200), {Flaw.BLOCKS: 10}),
        (Tally(delivered=5_000, blocked=5_000), {Flaw.DELIVERY: 40, Flaw.BLOCKS: 40}),
        (Tally(delivered=10_000, complained=10), {Flaw.COMPLAINTS: 10}),
        (Tally(delivered=10_000, complained=30), {Flaw.COMPLAINTS: 30}),
        (Tally(delivered=9_000, deferred=1_000), {}),
    ],
)
def test_rates_cost_points(tally: Tally, points: dict[Flaw, int]) -> None:
    found = reputation_of(evidence(tally))
    assert {reason.flaw: reason.points for reason in found.reasons} == points
    assert found.score == 100 - sum(points.values())


@pytest.mark.parametrize(
    ("changes", "flaw", "points"),
    [
        ({"listings": (ListingEffect.STOP, ListingEffect.SHOW)}, Flaw.LISTED, 50),
        ({"listings": (ListingEffect.LAST,)}, Flaw.LISTED, 25),
        ({"ptr": PtrState.MISSING}, Flaw.PTR_MISSING, 30),
        ({"ptr": PtrState.UNCONFIRMED}, Flaw.PTR_UNCONFIRMED, 25),
        ({"helo_confirmed": False}, Flaw.HELO_UNCONFIRMED, 10),
    ],
)
def test_what_the_checks_found_costs_points(changes: dict[str, object], flaw: Flaw, points: int) -> None:
    found = reputation_of(evidence(**changes))
    assert [(reason.flaw, reason.points) for reason in found.reasons] == [(flaw, points)]


def test_a_few_mails_are_no_measure() -> None:
    found = reputation_of(evidence(Tally(bounced=150)))
    assert (found.score, found.measured) == (100, False)


def test_no_score_is_below_nothing() -> None:
    worst = evidence(
        Tally(blocked=1_000, complained=100), ptr=PtrState.MISSING, listings=(ListingEffect.STOP,)
    )
    assert reputation_of(worst).score == 0


@pytest.mark.parametrize(
    ("ptr", "effects", "standing"),
    [
        (PtrState.CONFIRMED, {ListingEffect.SHOW}, Standing.SOUND),
        (PtrState.UNKNOWN, set(), Standing.SOUND),
        (PtrState.MISSING, set(), Standing.FLAWED),
        (PtrState.UNCONFIRMED, set(), Standing.FLAWED),
        (PtrState.CONFIRMED, {ListingEffect.LAST}, Standing.FLAWED),
        (PtrState.MISSING, {ListingEffect.STOP, ListingEffect.LAST}, Standing.STOPPED),
    ],
)
def test_how_far_an_address_may_be_used(
    ptr: PtrState, effects: set[ListingEffect], standing: Standing
) -> None:
    assert standing_of(ptr, frozenset(effects)) is standing


@pytest.mark.parametrize(
    ("state", "outcome", "code", "landing"),
    [
        (RecipientState.DELIVERED, "", 250, Landing.DELIVERED),
        (RecipientState.BOUNCED, OutcomeClass.BLOCK_REPUTATION, 550, Landing.BLOCKED),
        (RecipientState.DEFERRED, OutcomeClass.BLOCK_REPUTATION, 421, Landing.BLOCKED),
        (RecipientState.BOUNCED, OutcomeClass.REVERSE_DNS, 550, Landing.BLOCKED),
        (RecipientState.DEFERRED, OutcomeClass.RATE_LIMITED, 450, Landing.THROTTLED),
        (RecipientState.DEFERRED, OutcomeClass.SERVER_TROUBLE, 421, Landing.THROTTLED),
        (RecipientState.DEFERRED, OutcomeClass.GREYLISTED, 451, Landing.DEFERRED),
        (RecipientState.EXPIRED, OutcomeClass.GREYLISTED, 451, Landing.DEFERRED),
        (RecipientState.DEFERRED, OutcomeClass.UNREACHABLE, 451, Landing.UNSENT),
        (RecipientState.EXPIRED, OutcomeClass.UNREACHABLE, 451, Landing.UNSENT),
        (RecipientState.BOUNCED, OutcomeClass.NO_SUCH_ADDRESS, 550, Landing.BOUNCED),
        (RecipientState.BOUNCED, OutcomeClass.SPAM_CONTENT, 554, Landing.BOUNCED),
    ],
)
def test_what_an_outcome_says_of_the_address(
    state: RecipientState, outcome: str, code: int, landing: Landing
) -> None:
    assert landing_of(state, outcome, code) is landing
