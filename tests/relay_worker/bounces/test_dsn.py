"""Reports by their machine-readable fields (RFC 3464), and mails that only look like one."""

import pytest

from platform_core.mail.states import BounceKind
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.report import Action, ReportKind
from tests.relay_worker.bounces.mails import ORIGINAL, report, written

GONE = """\
Original-Recipient: rfc822; ann@there.example
Final-Recipient: RFC822; <ann@inside.example>
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <ann@inside.example>:
 Recipient address rejected: User unknown
"""
FULL = "Final-Recipient: rfc822; bob@there.example\nAction: failed\nStatus: 5.2.2\n"


def test_a_report_gives_address_codes_class_and_words() -> None:
    found = read_report(report(GONE))
    (ann,) = found.recipients
    assert found.kind is ReportKind.BOUNCE
    assert (ann.address, ann.original_address) == ("ann@inside.example", "ann@there.example")
    assert (ann.action, ann.code, ann.enhanced) == (Action.FAILED, 550, "5.1.1")
    assert (ann.outcome, ann.bounce_kind, ann.hard) == (OutcomeClass.NO_SUCH_ADDRESS, BounceKind.HARD, True)
    assert ann.diagnostic.endswith("Recipient address rejected: User unknown")


def test_each_recipient_of_a_report_has_its_own_reason() -> None:
    found = read_report(report(f"{GONE}\n{FULL}"))
    assert [one.outcome for one in found.recipients] == [
        OutcomeClass.NO_SUCH_ADDRESS,
        OutcomeClass.MAILBOX_FULL,
    ]


def test_recipients_without_an_empty_line_between_them_are_told_apart() -> None:
    assert len(read_report(report(FULL + FULL.replace("bob", "eve"))).recipients) == 2


def test_the_original_comes_back_with_its_message_id_and_fields() -> None:
    found = read_report(report(GONE))
    assert found.original_message_id == "ours@shop.example"
    assert found.original.get("x-marked") == "7"


def test_without_the_original_its_message_id_is_what_was_replied_to() -> None:
    raw = b"In-Reply-To: <ours@shop.example>\n" + report(GONE, original="")
    assert read_report(raw).original_message_id == "ours@shop.example"


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("delayed", ReportKind.DELAYED),
        ("delivered", ReportKind.DELIVERED),
        ("relayed", ReportKind.DELIVERED),
        ("expanded", ReportKind.DELIVERED),
    ],
)
def test_what_has_not_failed_is_never_hard(action: str, kind: ReportKind) -> None:
    found = read_report(report(GONE.replace("failed", action)))
    assert (found.kind, found.recipients[0].hard, found.recipients[0].bounce_kind) == (kind, False, None)


def test_a_failure_after_answers_that_might_pass_is_soft() -> None:
    expired = "Final-Recipient: rfc822; a@there.example\nAction: failed\nStatus: 4.4.7\nDiagnostic-Code: smtp; 450 4.1.1 user unknown\n"
    (one,) = read_report(report(expired)).recipients
    assert one.bounce_kind is BounceKind.SOFT


def test_a_status_that_sendmail_made_of_a_bare_550_is_not_believed() -> None:
    made_up = "Final-Recipient: rfc822; a@there.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: SMTP; 550 Verbindung abgelehnt\n"
    words = "<a@there.example>\n    (reason: 550 Verbindung abgelehnt)\n\n550 5.1.1 <a@there.example>... User unknown\n"
    (one,) = read_report(report(made_up, words=words)).recipients
    assert not one.hard


def test_a_status_that_the_reporting_server_gives_of_a_host_is_believed() -> None:
    fields = "Final-Recipient: rfc822; a@there.example\nAction: failed\nStatus: 5.1.2\nDiagnostic-Code: smtp; 550 Host unknown\n"
    (one,) = read_report(report(fields)).recipients
    assert one.outcome is OutcomeClass.NO_SUCH_DOMAIN


def test_a_refusal_of_the_sender_is_not_about_the_recipient() -> None:
    fields = "Final-Recipient: rfc822; a@there.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 User unknown\n"
    words = "<a@there.example>: host mx said: 550 User unknown (in reply to MAIL FROM command)\n"
    assert read_report(report(fields)).recipients[0].hard
    assert not read_report(report(fields, words=words)).recipients[0].hard


def test_a_line_of_the_transcript_that_names_a_block_outweighs_the_line_in_the_fields() -> None:
    fields = "Final-Recipient: rfc822; a@there.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: SMTP; 550 5.1.1 User unknown\n"
    transcript = "<a@there.example>\n    (reason: 550 5.1.1 User unknown)\n\n   ----- Transcript -----\n<<< 550-{}\n<<< 550 5.1.1 User unknown\n"
    found = read_report(report(fields, words=transcript.format("Your IP is on a blocklist")))
    assert found.recipients[0].outcome is OutcomeClass.BLOCK_REPUTATION
    assert read_report(report(fields, words=transcript.format("Dear postmaster"))).recipients[0].hard


def test_fields_that_say_nothing_are_explained_by_the_words() -> None:
    fields = "Final-Recipient: rfc822; a@there.example\nAction: failed\nStatus: 5.0.0\n"
    words = (
        "Failed for:\n\na@there.example: Domain does not exist\n\nBelow is a copy of the original message:\n"
    )
    assert read_report(report(fields, words=words)).recipients[0].outcome is OutcomeClass.NO_SUCH_DOMAIN


def test_words_that_name_nobody_explain_the_only_recipient() -> None:
    of_ann = "Final-Recipient: LOCAL;<ann>\nAction: failed\nStatus: 5.0.0\n"
    words = "Delivery failed: this account is over quota.\n"
    outcomes = [one.outcome for one in read_report(report(of_ann, words=words)).recipients]
    assert outcomes == [OutcomeClass.MAILBOX_FULL]

    of_two = f"{of_ann}\n{of_ann.replace('ann', 'bob')}"
    assert {one.outcome for one in read_report(report(of_two, words=words)).recipients} == {
        OutcomeClass.UNKNOWN
    }


@pytest.mark.parametrize(
    ("subject", "extra"),
    [
        ("Automatic reply: Hello", ""),
        ("Out of Office", ""),
        ("Abwesenheitsnotiz: Hallo", ""),
        ("=?utf-8?q?R=C3=A9ponse_automatique_=3A_Bonjour?=", ""),
        ("Re: Hello", "Auto-Submitted: auto-replied (vacation)\n"),
        ("Re: Hello", "X-Autoreply: yes\n"),
        ("Re: Hello", "Precedence: auto_reply\n"),
    ],
)
def test_an_absence_note_is_an_auto_reply(subject: str, extra: str) -> None:
    raw = written(
        "I am away. User unknown? No, just away.",
        sender="Ann <ann@there.example>",
        subject=subject,
        extra=extra,
    )
    found = read_report(raw)
    assert (found.kind, found.recipients) == (ReportKind.AUTO_REPLY, ())


def test_a_letter_that_quotes_a_bounce_is_none() -> None:
    raw = written(
        "Look what I got:\n<bob@there.example>: 550 5.1.1 User unknown\n",
        sender="ann@there.example",
        subject="Hello",
    )
    assert read_report(raw).kind is ReportKind.OTHER


def test_the_returned_message_says_nothing_about_the_failure() -> None:
    original = ORIGINAL.replace("Hello", "550 5.1.1 user unknown, spam, mailbox full")
    fields = "Final-Recipient: rfc822; a@there.example\nAction: failed\nStatus: 5.0.0\n"
    assert read_report(report(fields, original=original)).recipients[0].outcome is OutcomeClass.UNKNOWN


def test_an_empty_mail_is_nothing() -> None:
    assert read_report(b"").kind is ReportKind.OTHER
