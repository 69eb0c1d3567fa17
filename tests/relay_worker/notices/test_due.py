"""What the database tells of a recipient's fate."""

import pytest

from platform_core.mail.states import RecipientState
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.notices.due import Fate


def fate(state: RecipientState, outcome_class: str) -> Fate:
    return Fate.from_row(
        {
            "n": 0,
            "rcpt_to": "ann@there.example",
            "dsn": "NOTIFY=FAILURE",
            "at": "2026-11-10T12:00:00+00:00",
            "state": state.value,
            "outcome_class": outcome_class,
            "status": "",
            "diagnostic": "",
            "remote_host": "",
        }
    )


def test_a_reason_that_a_server_gave_is_told() -> None:
    assert fate(RecipientState.BOUNCED, "mailbox_full").outcome is OutcomeClass.MAILBOX_FULL


@pytest.mark.parametrize("reason", ["", "suppressed", "withdrawn", "quota"])
def test_what_was_dropped_for_a_reason_of_ours_has_a_fate_too(reason: str) -> None:
    assert fate(RecipientState.DROPPED, reason).outcome is OutcomeClass.UNKNOWN
