"""Notices of Amazon SES in JSON."""

import json

import pytest

from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.report import Report, ReportKind
from relay_worker.bounces.ses import read_notice
from tests.relay_worker.bounces.mails import written

GONE = {
    "emailAddress": "ann@there.example",
    "action": "failed",
    "status": "5.1.1",
    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
}


def notice(kind: str = "Permanent", of: str = "Bounce") -> dict[str, object]:
    return {"notificationType": of, "bounce": {"bounceType": kind, "bouncedRecipients": [GONE]}}


def told(text: str) -> Report:
    return read_report(
        written(text, sender="Notices <no-reply@notices.example>", subject="Notification Message")
    )


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_bounce_in_json_is_read(wrapped: bool) -> None:
    text = json.dumps(notice())
    found = told(
        f"{json.dumps({'Message': text}) if wrapped else text}\n--\nIf you wish to unsubscribe, click.\n"
    )
    assert (found.kind, [(one.address, one.hard) for one in found.recipients]) == (
        ReportKind.BOUNCE,
        [("ann@there.example", True)],
    )


def test_a_line_that_was_folded_on_the_way_is_put_together_again() -> None:
    text = json.dumps(notice()).replace("ann@there", "ann@th!\n ere")
    assert [one.address for one in told(text).recipients] == ["ann@there.example"]


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_what_may_pass_is_a_soft_bounce(kind: str) -> None:
    found = told(json.dumps(notice(kind)))
    assert (found.kind, [one.hard for one in found.recipients]) == (ReportKind.BOUNCE, [False])


@pytest.mark.parametrize("of", ["Delivery", "Complaint", ""])
def test_other_notices_are_no_bounces(of: str) -> None:
    assert told(json.dumps(notice(of=of))).recipients == ()


@pytest.mark.parametrize(
    "text",
    [
        "{", "{}", "[" * 100_000, '{"a":' * 50_000, '{"notificationType": "Bounce"}',
        '{"notificationType": "Bounce", "bounce": 3}', '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [1, {}]}}',
        '{"Message": "["}', '{"Message": 5}',
    ],
)  # fmt: skip
def test_damaged_json_names_nobody(text: str) -> None:
    assert read_notice(text) == []
