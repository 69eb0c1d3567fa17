"""The table of classes: complete, and hard only where the address is gone."""

import pytest

from platform_core.mail.states import BounceKind
from relay_worker.bounces.classes import HARD_CLASSES, MEANINGS, OutcomeClass, OutcomeGroup


@pytest.mark.parametrize("outcome", OutcomeClass)
def test_every_class_is_explained(outcome: OutcomeClass) -> None:
    meaning = MEANINGS[outcome]
    assert meaning.sentence.endswith(".")
    assert meaning.advice and not meaning.advice.endswith(".")


def test_only_a_gone_address_or_domain_is_hard() -> None:
    assert set(HARD_CLASSES) == {
        OutcomeClass.NO_SUCH_ADDRESS,
        OutcomeClass.NO_SUCH_DOMAIN,
        OutcomeClass.ADDRESS_DISABLED,
    }


def test_the_hard_classes_and_no_others_count_as_hard() -> None:
    grouped = {outcome for outcome, meaning in MEANINGS.items() if meaning.group is OutcomeGroup.HARD}
    assert grouped == HARD_CLASSES


def test_what_is_no_bounce_has_no_kind() -> None:
    kindless = {outcome for outcome, meaning in MEANINGS.items() if meaning.kind is None}
    assert kindless == {
        OutcomeClass.DELIVERED,
        OutcomeClass.HANDED_ON,
        OutcomeClass.AUTO_REPLY,
        OutcomeClass.QUOTA,
        OutcomeClass.WITHDRAWN,
    }
    assert all(meaning.kind in (None, BounceKind.HARD, BounceKind.SOFT) for meaning in MEANINGS.values())
