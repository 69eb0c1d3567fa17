"""Whatever is in a history has its words."""

import pytest

from platform_core.mail.states import BounceKind, EventKind, RecipientState
from whitelabel.portal.emails.states import words_for, words_for_event


@pytest.mark.parametrize("kind", EventKind)
def test_every_event_is_told_in_words(kind: EventKind) -> None:
    words = words_for_event(kind)
    assert str(words.label) and str(words.meaning)


def test_a_state_is_told_in_a_history_as_in_the_list() -> None:
    hard = words_for(RecipientState.BOUNCED, BounceKind.HARD)
    assert words_for_event(EventKind.BOUNCED, BounceKind.HARD) is hard
