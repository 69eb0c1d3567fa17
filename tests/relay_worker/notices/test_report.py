"""Reports as messages, read with the email package and with our own reader of bounces."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from platform_core.ids import ResellerId, new_message_id
from platform_core.mail.dsn import DsnRequest
from platform_core.mail.states import RecipientState
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.report import Action, ReportKind
from relay_worker.notices.due import Fate, NoticeDue
from relay_worker.notices.report import answers_a_report, write_report

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ORIGINAL = b"From: a@shop.test\r\nSubject: Hello\r\nMessage-ID: <1@shop.test>\r\n\r\nThe body\r\n"
REFUSED = Fate(
    n=0,
    rcpt_to="b@x.test",
    asked=DsnRequest(original="rfc822;Bob+2B1@x.test"),
    at=NOON,
    state=RecipientState.BOUNCED,
    outcome=OutcomeClass.NO_SUCH_ADDRESS,
    status="5.1.1",
    diagnostic="550 5.1.1 no such user",
    remote_host="mx.x.test",
)
DUE = NoticeDue(
    reseller_id=ResellerId(1),
    company_name="Agency & Söhne",
    smtp_host="smtp.agency.test",
    return_path_host="bounce.agency.test",
    message_id=new_message_id(NOON),
    action=Action.FAILED,
    mail_from="app@shop.test",
    envelope_id="QQ+2B1",
    received_at=NOON - timedelta(hours=1),
    header_from="a@shop.test",
    subject="Hello",
    message_id_header="<1@shop.test>",
    whole=False,
    original=ORIGINAL,
    recipients=(REFUSED,),
)


def octets(due: NoticeDue = DUE) -> bytes:
    return write_report(due, new_message_id(NOON), now=NOON, patience=timedelta(hours=72))


def read(due: NoticeDue = DUE) -> EmailMessage:
    message = email.message_from_bytes(octets(due), policy=email.policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def blocks(due: NoticeDue = DUE) -> list[dict[str, str]]:
    """The fields of the delivery status: of the message first, then of each recipient."""
    return [dict(block.items()) for block in read(due).get_payload(1).get_payload()]


def test_a_report_comes_from_the_reseller_and_asks_for_no_answer() -> None:
    report = read()
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert report["From"] == "Agency & Söhne Mail Delivery <postmaster@bounce.agency.test>"
    assert (report["To"], report["Auto-Submitted"]) == ("app@shop.test", "auto-replied")
    assert report["Message-ID"].endswith("@bounce.agency.test>")


def test_without_a_host_for_bounces_it_comes_from_the_relay() -> None:
    assert "<postmaster@smtp.agency.test>" in read(replace(DUE, return_path_host=""))["From"]


def test_the_status_says_what_was_asked_and_what_came_of_it() -> None:
    of_message, of_recipient = blocks()
    assert of_message["Original-Envelope-Id"] == "QQ+1"
    assert of_message["Reporting-MTA"] == "dns; smtp.agency.test"
    assert of_recipient["Original-Recipient"] == "rfc822; Bob+1@x.test"
    assert of_recipient["Final-Recipient"] == "rfc822; b@x.test"
    assert (of_recipient["Action"], of_recipient["Status"]) == ("failed", "5.1.1")
    assert of_recipient["Remote-MTA"] == "dns; mx.x.test"
    assert of_recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"


def test_our_own_reader_of_bounces_understands_it() -> None:
    report = read_report(octets())
    assert (report.kind, report.original_message_id) == (ReportKind.BOUNCE, "1@shop.test")
    (recipient,) = report.recipients
    assert (recipient.address, recipient.outcome) == ("b@x.test", OutcomeClass.NO_SUCH_ADDRESS)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (Action.DELAYED, ReportKind.DELAYED),
        (Action.RELAYED, ReportKind.DELIVERED),
        (Action.DELIVERED, ReportKind.DELIVERED),
    ],
)
def test_other_reports_are_understood_for_what_they_are(action: Action, kind: ReportKind) -> None:
    fate = replace(REFUSED, outcome=OutcomeClass.GREYLISTED, status="4.7.1", diagnostic="451 4.7.1 later")
    assert read_report(octets(replace(DUE, action=action, recipients=(fate,)))).kind is kind


def test_a_delay_says_until_when_delivery_is_tried() -> None:
    _, of_recipient = blocks(replace(DUE, action=Action.DELAYED))
    assert of_recipient["Will-Retry-Until"] == "Tue, 24 Nov 2026 11:00:00 +0000"


@pytest.mark.parametrize(
    ("action", "state", "status", "expected"),
    [
        (Action.FAILED, RecipientState.BOUNCED, "5.7.1", "5.7.1"),
        (Action.FAILED, RecipientState.BOUNCED, "", "5.0.0"),
        (Action.FAILED, RecipientState.EXPIRED, "4.2.0", "4.4.7"),
        (Action.FAILED, RecipientState.DROPPED, "", "5.2.1"),
        (Action.DELAYED, RecipientState.DEFERRED, "4.2.0", "4.2.0"),
        (Action.DELAYED, RecipientState.QUEUED, "", "4.0.0"),
        (Action.RELAYED, RecipientState.DELIVERED, "", "2.0.0"),
    ],
)
def test_the_status_fits_the_action(
    action: Action, state: RecipientState, status: str, expected: str
) -> None:
    outcome = None if state is RecipientState.DROPPED else REFUSED.outcome
    fate = replace(REFUSED, state=state, status=status, outcome=outcome)
    assert blocks(replace(DUE, action=action, recipients=(fate,)))[1]["Status"] == expected


def test_people_read_why_and_what_they_can_do() -> None:
    text = read().get_payload(0).get_content()
    assert 'Your message "Hello"' in text
    assert "This address does not exist. What to do: check its spelling, or take it off your list." in text
    assert "mx.x.test said: 550 5.1.1 no such user" in text


def test_a_suppressed_recipient_is_named_as_such() -> None:
    fate = replace(
        REFUSED, state=RecipientState.DROPPED, outcome=None, status="", diagnostic="", remote_host=""
    )
    due = replace(DUE, recipients=(fate,))
    assert "it is on your suppression list" in read(due).get_payload(0).get_content()
    assert "Diagnostic-Code" not in blocks(due)[1]


def test_mail_that_was_withdrawn_is_named_as_such() -> None:
    fate = replace(
        REFUSED, state=RecipientState.DROPPED, outcome=OutcomeClass.WITHDRAWN, status="", diagnostic=""
    )
    due = replace(DUE, recipients=(fate,))
    assert "taken out of the queue" in read(due).get_payload(0).get_content()
    assert blocks(due)[1]["Status"] == "5.7.0"


def test_the_header_comes_back_and_nothing_of_the_body() -> None:
    part = read().get_payload(2)
    assert part.get_content_type() == "text/rfc822-headers"
    assert (
        part.get_content().replace("\r\n", "\n")
        == "From: a@shop.test\nSubject: Hello\nMessage-ID: <1@shop.test>\n"
    )


def test_the_whole_message_comes_back_where_that_is_wanted() -> None:
    original = ORIGINAL + "Grüße\r\n".encode()
    report = octets(replace(DUE, whole=True, original=original))
    assert b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + original in report


@pytest.mark.parametrize(
    "odd",
    [
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\nGr\xfc\xdfe, and no such boundary\r\n',
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nno end to it\r\n',
        b"Content-Type: message/rfc822\r\nX-Odd:\tform \x0c feed \r\n\r\nX-Inner: 1\r\n\r\n\r\n\r\n",
    ],
    ids=["no part", "no end", "control characters"],
)
def test_however_odd_a_message_it_comes_back_as_it_was(odd: bytes) -> None:
    original = b"From: a@shop.test\r\n" + odd
    report = octets(replace(DUE, whole=True, original=original))
    assert b"\r\n\r\n" + original + b"\r\n--" in report
    parts = [part.get_content_type() for part in email.message_from_bytes(report).get_payload()]
    assert parts == ["text/plain", "message/delivery-status", "message/rfc822"]


def test_of_a_message_that_is_not_kept_the_main_fields_come_back() -> None:
    header = read(replace(DUE, original=None)).get_payload(2).get_content()
    assert header.split() == ["From:", "a@shop.test", "Subject:", "Hello", "Message-ID:", "<1@shop.test>"]


def test_addresses_beyond_ascii_are_said_in_ascii() -> None:
    _, of_recipient = blocks(replace(DUE, recipients=(replace(REFUSED, rcpt_to="jörg@x.test"),)))
    assert of_recipient["Final-Recipient"] == r"utf-8; j\x{F6}rg@x.test"


def test_a_sender_beyond_ascii_is_written_to_as_it_is() -> None:
    assert "To: jörg@shop.test\r\n".encode() in octets(replace(DUE, mail_from="jörg@shop.test"))


def test_what_a_remote_says_can_put_no_line_of_its_own_into_a_report() -> None:
    fate = replace(REFUSED, diagnostic="550 no\r\nAction: delivered\r\n\r\n" + "ü" * 5000)
    due = replace(DUE, recipients=(fate,))
    assert blocks(due)[1]["Action"] == "failed"
    assert max(len(line) for line in octets(due).split(b"\r\n")) <= 998


def test_several_recipients_stand_in_one_report() -> None:
    other = replace(REFUSED, n=1, rcpt_to="c@x.test")
    assert [
        one.address for one in read_report(octets(replace(DUE, recipients=(REFUSED, other)))).recipients
    ] == [
        "b@x.test",
        "c@x.test",
    ]


def test_a_report_is_known_whatever_its_sender() -> None:
    assert answers_a_report(replace(DUE, original=octets()))
    assert not answers_a_report(DUE)
    assert not answers_a_report(replace(DUE, original=None))
