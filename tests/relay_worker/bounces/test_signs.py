"""What a mail is, before its text is read closely: a report, a warning, or what somebody's mailbox answers by itself."""

import pytest

from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.report import ReportKind
from tests.relay_worker.bounces.mails import written

PERSON = "Ann <ann@there.example>"
GONE = "<ann@there.example>: 550 5.1.1 user unknown\n"
RECEIPT = "Content-Type: multipart/report; report-type=disposition-notification; boundary=cut\n"


@pytest.mark.parametrize(
    "subject",
    [
        "Unzustellbar: Hallo", "Non remis : bonjour", "No se puede entregar: hola", "Non recapitabile: ciao",
        "Não é possível entregar: olá", "Onbestelbaar: hallo", "Niedostarczona wiadomość", "Недоставленное сообщение",
        "系统退信", "邮件无法投递", "メール配信エラー", "메일 전송 실패", "There was an error sending your mail", "Non-Delivery: hello",
        "Warning: ann@there.example - User unknown!",
    ],
)  # fmt: skip
def test_a_report_is_known_by_its_subject_in_many_languages(subject: str) -> None:
    found = read_report(written(GONE, sender="mail@there.example", subject=subject))
    assert (found.kind, [one.hard for one in found.recipients]) == (ReportKind.BOUNCE, [True])


@pytest.mark.parametrize(
    "sender", ["<>", "Mail System <>", "MicrosoftExchange329e71ec88ae@there.example", "MDaemon@there.example"]
)
def test_a_report_is_known_by_its_sender(sender: str) -> None:
    assert read_report(written(GONE, sender=sender, subject="Hello")).kind is ReportKind.BOUNCE


@pytest.mark.parametrize(
    ("mail_from", "subject", "extra", "kind"),
    [
        ("", "Mail", "", ReportKind.BOUNCE),
        (None, "Mail", "Return-Path: <>\n", ReportKind.BOUNCE),
        ("ann@there.example", "Mail", "", ReportKind.OTHER),
        (None, "Mail", "", ReportKind.OTHER),
        ("", "Re: Hello", "Auto-Submitted: auto-replied\n", ReportKind.AUTO_REPLY),
    ],
)
def test_what_comes_from_the_null_sender_is_a_report_when_it_tells_of_a_failure(
    mail_from: str | None, subject: str, extra: str, kind: ReportKind
) -> None:
    raw = written(f"Your mail could not be delivered.\n\n{GONE}", sender=PERSON, subject=subject, extra=extra)
    assert read_report(raw, mail_from=mail_from).kind is kind


def test_what_comes_from_the_null_sender_and_tells_of_no_failure_is_no_report() -> None:
    assert (
        read_report(written("Thank you.\n", sender=PERSON, subject="Mail"), mail_from="").kind
        is ReportKind.OTHER
    )


def test_a_list_that_takes_mail_from_its_members_alone_refuses_softly() -> None:
    raw = written(
        "You are not a member of this mailing list <cats@there.example>.\n",
        sender="cats-admin@there.example",
        subject="You news@shop.example are not member (cats ML)",
    )
    found = read_report(raw)
    assert (found.kind, [one.hard for one in found.recipients]) == (ReportKind.BOUNCE, [False])


@pytest.mark.parametrize("subject", ["Read: hello", "Not read: hello", "Undeliverable, but read"])
def test_a_read_receipt_is_an_automatic_answer_whoever_sends_it(subject: str) -> None:
    assert read_report(written(GONE, subject=subject, extra=RECEIPT)).kind is ReportKind.AUTO_REPLY


def test_a_refusal_in_the_form_of_a_receipt_is_a_bounce() -> None:
    raw = written(
        "--cut\n\nYour message to <ann@there.example> was automatically rejected: Quota exceeded\n--cut--\n",
        subject="Automatically rejected mail",
        extra=RECEIPT,
    )
    found = read_report(raw)
    assert (found.kind, [one.hard for one in found.recipients]) == (ReportKind.BOUNCE, [False])


@pytest.mark.parametrize(
    ("subject", "extra"),
    [
        ("Automatic reply: hello", ""),
        ("Re: hello", "Auto-Submitted: auto-replied\n"),
        ("Please confirm your message", "X-Autoreply: yes\n"),
        ("AUTO: Ann is away until Monday", ""),
        ("Ann Smith is out of the office", ""),
        ("Automatyczna odpowiedź: hello", ""),
        ("Automatisk svar: hello", ""),
        ("Otomatik yan\u0131t: hello", ""),
        ("自动回复: hello", ""),
        ("자동 응답: hello", ""),
    ],
)
def test_a_person_who_has_left_is_told_by_an_answer_and_not_by_a_bounce(subject: str, extra: str) -> None:
    text = "Ann no longer works here, this mailbox does not exist any more.\n"
    found = read_report(written(text, sender=PERSON, subject=subject, extra=extra))
    assert (found.kind, found.recipients) == (ReportKind.AUTO_REPLY, ())


@pytest.mark.parametrize(
    "words",
    [
        "Your message could not be delivered yet.", "Delivery attempts will continue to be made for 5 days.",
        "Die Nachricht wurde noch nicht zugestellt.", "Il messaggio non è stato ancora consegnato.",
        "Сообщение пока не доставлено.", "Delivery has been postponed.",
        "The system will retry for two more days.",
    ],
)  # fmt: skip
def test_a_server_that_still_tries_is_understood(words: str) -> None:
    found = read_report(written(f"{words}\n\n<ann@there.example>: user unknown\n"))
    assert (found.kind, any(one.hard for one in found.recipients)) == (ReportKind.DELAYED, False)


@pytest.mark.parametrize("subject", ["Automatic doors for your office", "The auto show", "Svar på din fråga"])
def test_a_letter_with_such_a_word_in_its_subject_is_still_a_letter(subject: str) -> None:
    assert read_report(written("Hello\n", sender=PERSON, subject=subject)).kind is ReportKind.OTHER


def test_what_has_not_been_delivered_for_good_is_no_delay() -> None:
    text = "<ann@there.example>: this address is wrong. Your message has NOT been delivered.\n"
    assert read_report(written(text)).kind is ReportKind.BOUNCE
