"""Feedback reports: who complained, of which message, and what is no complaint."""

import pytest

from relay_worker.bounces.arf import FeedbackType, read_feedback
from tests.relay_worker.bounces.mails import feedback, report, written


def test_a_complaint_gives_recipient_message_and_our_marks() -> None:
    found = read_feedback(
        feedback("Feedback-Type: abuse\nOriginal-Rcpt-To: <ann@there.example>\nSource-IP: 192.0.2.9\n")
    )
    assert found is not None
    assert (found.type, found.complaint, found.recipients) == (
        FeedbackType.ABUSE,
        True,
        ("ann@there.example",),
    )
    assert (found.original_message_id, found.original.get("x-marked")) == ("ours@shop.example", "7")
    assert found.source_ip == "192.0.2.9"


def test_without_a_named_recipient_only_the_original_s_to_is_known() -> None:
    found = read_feedback(feedback("Feedback-Type: abuse\n"))
    assert found is not None
    assert (found.recipients, found.addressed_to) == ((), ("ann@there.example",))


@pytest.mark.parametrize(
    ("stated", "kind", "complaint"),
    [
        ("abuse", FeedbackType.ABUSE, True),
        ("Fraud", FeedbackType.FRAUD, True),
        ("not-spam", FeedbackType.NOT_SPAM, False),
        ("auth-failure", FeedbackType.AUTH_FAILURE, False),
        ("opt-out-list", FeedbackType.OPT_OUT, False),
        ("virus", FeedbackType.VIRUS, False),
        ("something-new", FeedbackType.OTHER, False),
    ],
)
def test_only_objections_are_complaints(stated: str, kind: FeedbackType, complaint: bool) -> None:
    found = read_feedback(feedback(f"Feedback-Type: {stated}\n"))
    assert found is not None
    assert (found.type, found.complaint) == (kind, complaint)


def test_redacted_addresses_are_left_out() -> None:
    found = read_feedback(feedback("Feedback-Type: abuse\nOriginal-Rcpt-To: redacted\n", original="REDACTED"))
    assert found is not None
    assert (found.recipients, found.addressed_to, found.sender) == ((), (), "")


def test_microsoft_writes_no_report_part() -> None:
    original = "X-HmXmrOriginalRecipient: ann@there.example\nMessage-ID: <ours@shop.example>\nFrom: x@y <news@shop.example>\n\nHello\n"
    raw = (
        "From: staff@provider.example\nSubject: complaint about message from 192.0.2.9\n"
        f"Content-Type: multipart/mixed; boundary=cut\n\n--cut\nContent-Type: message/rfc822\n\n{original}--cut--\n"
    ).encode()
    found = read_feedback(raw)
    assert found is not None
    assert (found.complaint, found.recipients, found.source_ip) == (True, ("ann@there.example",), "192.0.2.9")
    assert found.sender == "news@shop.example"


def test_apple_unsubscribes_by_mail() -> None:
    raw = written(
        "unsubscribe",
        sender="Ann <ann@there.example>",
        subject="unsubscribe",
        extra="X-Apple-Unsubscribe: true\nTo: u-7@shop.example\n",
    )
    found = read_feedback(raw)
    assert found is not None
    assert (found.opt_out, found.recipients, found.sender) == (
        True,
        ("ann@there.example",),
        "u-7@shop.example",
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        written("I hate this", sender="ann@there.example"),
        report("Final-Recipient: rfc822; a@b.example\nAction: failed\n"),
    ],
)
def test_other_mail_is_no_feedback(raw: bytes) -> None:
    assert read_feedback(raw) is None
