"""Complaints and unsubscribes by mail, from the socket to the suppression."""

from dataclasses import replace

import pytest

from platform_core.clock import SystemClock
from relay_worker.submission.trace import received, rfc5322_date
from tests.relay_worker.bounces.mails import feedback, written
from tests.relay_worker.inbound.conftest import OpenAccount
from tests.relay_worker.inbound.returns import (
    Books,
    ReturnRelay,
    Sent,
    accept,
    deliver,
    inbound_rows,
    read_all,
    return_path_host,
    suppressions,
    wishes,
)
from tests.relay_worker.queue.desk import Desk, Sender, result

ABUSE = "Feedback-Type: abuse\n"
REDACTED = "Feedback-Type: abuse\nOriginal-Rcpt-To: redacted@there.example\n"


def original(*fields: str, to: str = "undisclosed@there.example") -> str:
    return "".join(f"{field}\n" for field in (*fields, f"To: {to}", "Subject: Hello"))


def complain(relay: ReturnRelay, sent: Sent, *fields: str, stated: str = REDACTED, **changes: str) -> None:
    """Bring a feedback report on the message, with these fields of it, to the reseller's feedback address."""
    relay.bring(
        f"feedback@{return_path_host(sent.sender)}", feedback(stated, original=original(*fields, **changes))
    )
    read_all()


@pytest.mark.parametrize(
    "field",
    ["Return-Path: <{path}>", "X-Report-ID: {local}", "Feedback-ID: a:b:{local}:agency", "X-Odd: {LOCAL}"],
)
def test_a_redacted_complaint_is_known_by_our_mark(
    relay: ReturnRelay, desk: Desk, shop: Sender, field: str
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    path = sent.return_path()
    local = path.partition("@")[0]
    complain(relay, sent, field.format(path=path, local=local, LOCAL=local.upper()))
    assert suppressions(shop) == {"ann@there.example": "complaint"}
    assert sent.state() == ("delivered", None)
    assert sent.events() == ["delivered", "complained"]
    assert wishes(shop) == (1, 0)


def test_without_a_mark_our_own_trace_field_names_the_message(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    trace = received(
        host="smtp.agency.example", message_id=sent.message_id, at=SystemClock().now(), tls="", smtputf8=False
    )
    complain(relay, sent, "Received: from mta by mx; now", trace.decode().replace("\r\n", "\n").strip())
    assert suppressions(shop) == {"ann@there.example": "complaint"}


def test_without_either_the_message_id_field_and_the_date_do(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example", message_id_header="<once@shop.example>")
    date = f"Date: {rfc5322_date(SystemClock().now())}"
    complain(relay, sent, date, "Message-ID: <once@shop.example>", to="ann@there.example", stated=ABUSE)
    assert suppressions(shop) == {"ann@there.example": "complaint"}


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 -0100", "Mon, 1 Jan 2024 00:00:00 +99999999999999999999"]
)
def test_no_date_that_a_customer_writes_keeps_complaints_away(
    relay: ReturnRelay, desk: Desk, shop: Sender, date: str
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    complain(relay, sent, f"Return-Path: <{sent.return_path()}>", f"Date: {date}")
    assert suppressions(shop) == {"ann@there.example": "complaint"}


def test_two_messages_with_the_same_message_id_are_not_told_apart(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    sent, _ = (
        deliver(desk, shop, f"{name}@there.example", message_id_header="<twice@shop.example>")
        for name in ("ann", "bob")
    )
    complain(relay, sent, f"Date: {rfc5322_date(SystemClock().now())}", "Message-ID: <twice@shop.example>")
    assert suppressions(shop) == {}
    assert inbound_rows(books, shop)[0]["reason"] == "unknown"


def test_the_complainant_is_the_one_named(relay: ReturnRelay, desk: Desk, shop: Sender) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@there.example")
    stated = "Feedback-Type: abuse\nOriginal-Rcpt-To: <bob@there.example>\n"
    complain(relay, sent, f"Return-Path: <{sent.return_path()}>", stated=stated)
    assert suppressions(shop) == {"bob@there.example": "complaint"}


def test_a_redacted_complaint_of_one_among_several_is_for_people(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@there.example")
    complain(relay, sent, f"Return-Path: <{sent.return_path()}>", to="ann@there.example, bob@there.example")
    assert suppressions(shop) == {}
    assert inbound_rows(books, shop)[0]["reason"] == "ambiguous"


def test_a_redacted_complaint_of_the_only_recipient_at_a_domain_is_known_by_the_return_path(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@elsewhere.example")
    complain(relay, sent, f"Return-Path: <{sent.return_path(1)}>", to="redacted, redacted")
    assert suppressions(shop) == {"bob@elsewhere.example": "complaint"}


def test_the_mark_of_a_copy_of_ones_own_means_just_this_one(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@there.example")
    local = sent.return_path(1).partition("@")[0]
    complain(relay, sent, f"Return-Path: <{sent.return_path()}>", f"X-Report-ID: {local}")
    assert suppressions(shop) == {"bob@there.example": "complaint"}


@pytest.mark.parametrize(
    "field",
    ["From: postmaster@there.example", "From: fbl@there.example\nAuto-Submitted: auto-generated"],
)
def test_a_complaint_to_the_return_path_is_one_whoever_sends_it(
    relay: ReturnRelay, desk: Desk, shop: Sender, field: str
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    report = feedback(REDACTED, original=original()).replace(b"From: fbl@there.example", field.encode())
    relay.bring(sent.return_path(), report)
    read_all()
    assert suppressions(shop) == {"ann@there.example": "complaint"}
    assert sent.events() == ["delivered", "complained"]


def test_one_complains_of_a_message_once(relay: ReturnRelay, desk: Desk, shop: Sender) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    for _ in range(2):
        complain(relay, sent, f"Return-Path: <{sent.return_path()}>")
    assert sent.events() == ["delivered", "complained"]
    assert wishes(shop) == (1, 0)


@pytest.mark.parametrize(
    ("server", "provider"), [("gmail-smtp-in.l.google.com", "google"), ("mx.notgoogle.com", "other")]
)
def test_a_complaint_counts_for_the_address_it_left_from(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books, server: str, provider: str
) -> None:
    address = f"198.51.100.{shop.account_id % 250 + 1}"
    books.execute(
        """WITH pool AS (INSERT INTO platform.ip_pool (name) VALUES (%s) RETURNING id)
           INSERT INTO platform.ip_address (address, pool_id, helo) SELECT %s, id, 'mta.agency.example' FROM pool""",
        (f"pool-{shop.account_id}", address),
    )
    sent = accept(desk, shop, "ann@there.example")
    worker = desk.worker()
    (claimed,) = worker.claim()
    worker.finish(replace(result(claimed), source_address=address, remote_host=server))
    complain(relay, sent, f"Return-Path: <{sent.return_path()}>")
    counted = books.execute(
        """SELECT provider, complained FROM platform.ip_result r JOIN platform.ip_address a ON a.id = r.ip_id
           WHERE a.address = %s""",
        (address,),
    ).fetchall()
    assert counted == [{"provider": provider, "complained": 1}]


def test_not_spam_is_noted_and_nothing_else(relay: ReturnRelay, desk: Desk, shop: Sender) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    complain(relay, sent, f"Return-Path: <{sent.return_path()}>", stated="Feedback-Type: not-spam\n")
    assert sent.events() == ["delivered", "not_spam"]
    assert (suppressions(shop), wishes(shop)) == ({}, (0, 0))


def test_a_complaint_outweighs_an_unsubscribe(relay: ReturnRelay, desk: Desk, shop: Sender) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.unsubscribe_mailbox(), b"Subject: unsubscribe\r\n\r\n")
    read_all()
    assert suppressions(shop) == {"ann@there.example": "unsubscribe"}
    complain(relay, sent, f"Return-Path: <{sent.return_path()}>")
    assert suppressions(shop) == {"ann@there.example": "complaint"}


def test_another_resellers_message_can_not_be_complained_of_here(
    relay: ReturnRelay, desk: Desk, shop: Sender, account: OpenAccount, books: Books
) -> None:
    sent, stranger = deliver(desk, shop, "ann@there.example"), account(1)
    report = feedback(REDACTED, original=original(f"Return-Path: <{sent.return_path()}>"))
    relay.bring(f"feedback@{return_path_host(stranger)}", report)
    read_all()
    assert suppressions(shop) == {}
    assert inbound_rows(books, stranger)[0]["reason"] == "unknown"


def test_what_people_write_to_the_feedback_address_is_left_to_people(
    relay: ReturnRelay, shop: Sender, books: Books
) -> None:
    letter = written("Please stop this.", sender="ann@there.example", subject="Spam")
    relay.bring(f"abuse@{return_path_host(shop)}", letter, mail_from="ann@there.example")
    read_all()
    (kept,) = inbound_rows(books, shop)
    assert kept["state"] == "not_understood"
    assert kept["raw"].replace(b"\r\n", b"\n") == letter + (b"" if letter.endswith(b"\n") else b"\n")


# --- unsubscribes ---


def test_any_mail_to_the_unsubscribe_address_unsubscribes_once(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "Ann@there.example")
    for body in (b"Subject: unsubscribe\r\n\r\n", b"Auto-Submitted: auto-replied\r\n\r\nI am away.\r\n"):
        relay.bring(sent.unsubscribe_mailbox(), body)
        read_all()
    assert suppressions(shop) == {"ann@there.example": "unsubscribe"}
    assert sent.events() == ["delivered", "unsubscribed"]
    assert wishes(shop) == (0, 1)


def test_an_unsubscribe_address_means_its_own_recipient(relay: ReturnRelay, desk: Desk, shop: Sender) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@there.example")
    relay.bring(sent.unsubscribe_mailbox(1), b"Subject: unsubscribe\r\n\r\n")
    read_all()
    assert suppressions(shop) == {"bob@there.example": "unsubscribe"}


def test_another_account_goes_on_sending(
    relay: ReturnRelay, desk: Desk, shop: Sender, account: OpenAccount
) -> None:
    sent, other = deliver(desk, shop, "ann@there.example"), account()
    relay.bring(sent.unsubscribe_mailbox(), b"\r\n")
    read_all()
    assert suppressions(other) == {}
    other_sent = deliver(desk, other, "ann@there.example")
    assert other_sent.state() == ("delivered", None)
