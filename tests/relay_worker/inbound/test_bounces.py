"""Delivery reports, from the socket to the recipient's row."""

import json
import smtplib

import pytest

from relay_worker.queue.jobs import record_again
from tests.relay_worker.bounces.mails import report, written
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
)
from tests.relay_worker.queue.desk import Desk, Sender, result


def gone(address: str) -> bytes:
    return report(
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.1.1\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 <{address}>: User unknown\n"
    )


def full(address: str) -> bytes:
    return report(
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.2.2\n"
        "Diagnostic-Code: smtp; 552 5.2.2 Mailbox full\n"
    )


def blocked(address: str) -> bytes:
    return report(
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.7.1\n"
        "Diagnostic-Code: smtp; 550 5.7.1 Message rejected due to poor reputation of the sending IP\n"
    )


def accept_by_allotment(desk: Desk, sender: Sender, *rcpt_to: str) -> Sent:
    """A message of which the body is written, and the rest is only logged."""
    for message in sender.messages(2):  # who sends again at once has recipients allotted
        desk.ingest(message, allotment=16)
    worker = desk.worker()
    worker.finish(*map(result, worker.claim()))
    message = sender.message(*rcpt_to)
    desk.ingest(message, allotment=16)
    assert sender.count("message") == 2
    return Sent(sender, message.message_id, message.rcpt_to)


def set_aside(books: Books, sender: Sender) -> None:
    """From now on all that is logged of this reseller is set aside, until it is recorded again."""
    books.execute(
        "INSERT INTO relay.unrecorded (reseller_id, results, strays, counts, reason) VALUES (%s, '{}', '{}', '{}', '')",
        (sender.reseller.id,),
    )


def read_again_after(books: Books, age: str) -> None:
    """Read whatever came that long ago and is not read yet."""
    books.execute("UPDATE relay.inbound SET received_at = now() - %s::interval, next_at = now()", (age,))
    read_all()


def test_a_late_hard_bounce_moves_the_recipient_and_suppresses_the_address(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.return_path(), gone("ann@there.example"))
    read_all()
    assert sent.state() == ("bounced", "hard")
    assert sent.events() == ["delivered", "bounced"]
    assert suppressions(shop) == {"ann@there.example": "hard_bounce"}
    assert shop.stats == {"accepted": 1, "bounced_hard": 1}


@pytest.mark.parametrize("make", [full, blocked])
def test_a_late_soft_bounce_suppresses_nobody(relay: ReturnRelay, desk: Desk, shop: Sender, make) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.return_path(), make("ann@there.example"))
    read_all()
    assert sent.state() == ("bounced", "soft")
    assert suppressions(shop) == {}
    assert shop.stats == {"accepted": 1, "bounced_soft": 1}


def test_a_report_is_known_by_its_null_sender_and_its_words(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    words = "Your mail could not be delivered to: <ann@there.example>\nas their mailbox is full.\n"
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.return_path(), written(words, sender="no-reply@there.example", subject="Mail"))
    read_all()
    assert sent.state() == ("bounced", "soft")


def test_the_same_report_twice_has_the_effect_of_one(relay: ReturnRelay, desk: Desk, shop: Sender) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    for _ in range(2):
        relay.bring(sent.return_path(), gone("ann@there.example"))
    read_all()
    assert sent.events() == ["delivered", "bounced"]
    assert shop.stats == {"accepted": 1, "bounced_hard": 1}


def test_a_report_names_another_recipient_of_the_same_transaction(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@there.example")
    relay.bring(sent.return_path(0), gone("Bob@There.example"))
    read_all()
    assert [sent.state(n)[0] for n in (0, 1)] == ["delivered", "bounced"]
    assert suppressions(shop) == {"bob@there.example": "hard_bounce"}


def test_a_forwarded_address_is_the_one_recipient_we_had(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.return_path(), gone("ann.smith@elsewhere.example"))
    read_all()
    assert suppressions(shop) == {"ann@there.example": "hard_bounce"}


@pytest.mark.parametrize("address", ["\ud800@there.example", "ann@\ud800.example"])
def test_what_has_half_a_character_in_it_is_no_address(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books, address: str
) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@there.example")
    recipient = {"emailAddress": address, "status": "5.1.1", "diagnosticCode": f"smtp; 550 {address} unknown"}
    bounce = {"bounceType": "Permanent", "bouncedRecipients": [recipient]}
    notice = json.dumps({"notificationType": "Bounce", "bounce": bounce})
    relay.bring(sent.return_path(), written(notice, sender="no-reply@there.example", subject="Notice"))
    read_all()
    assert suppressions(shop) == {}
    (kept,) = inbound_rows(books, shop)
    assert (kept["state"], kept["reason"]) == ("not_understood", "ambiguous")


def test_whose_bounce_it_is_among_several_is_never_guessed(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@there.example")
    relay.bring(sent.return_path(), gone("somebody@elsewhere.example"))
    read_all()
    assert suppressions(shop) == {}
    (kept,) = inbound_rows(books, shop)
    assert (kept["state"], kept["reason"]) == ("not_understood", "ambiguous")


def test_the_only_recipient_at_a_domain_is_the_one_that_its_return_path_names(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@elsewhere.example")
    relay.bring(sent.return_path(1), gone("bob.smith@home.example"))
    read_all()
    assert suppressions(shop) == {"bob@elsewhere.example": "hard_bounce"}


def test_a_copy_of_ones_own_bounces_for_its_recipient_alone(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example", "bob@there.example")
    local = sent.return_path(1).partition("@")[0]
    dsn = gone("somebody@elsewhere.example").replace(b"X-Marked: 7", f"X-Report-ID: {local}".encode())
    relay.bring(sent.return_path(1), dsn)
    read_all()
    assert suppressions(shop) == {"bob@there.example": "hard_bounce"}


def test_a_quoted_mark_of_another_message_is_not_believed(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent, other = (deliver(desk, shop, f"{name}@there.example") for name in ("ann", "bob"))
    local = other.return_path().partition("@")[0]
    dsn = gone("ann@there.example").replace(b"X-Marked: 7", f"X-Report-ID: {local}".encode())
    relay.bring(sent.return_path(), dsn)
    read_all()
    assert (sent.state()[0], other.state()[0]) == ("bounced", "delivered")


def test_a_report_that_brings_all_of_a_large_message_back_is_read(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    attachment = b"".join(b"%076d\n" % n for n in range(30_000))  # 2.3 MB
    relay.bring(sent.return_path(), gone("ann@there.example").replace(b"Hello\n", attachment))
    read_all()
    assert sent.state() == ("bounced", "hard")


def test_an_absence_note_goes_into_the_history_and_changes_nothing(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    note = written("I am away.", sender="ann@there.example", subject="Out of office")
    relay.bring(sent.return_path(), note, mail_from="ann@there.example")
    read_all()
    assert sent.state() == ("delivered", None)
    assert sent.events() == ["delivered", "auto_replied"]


def test_a_warning_about_a_delay_changes_nothing(relay: ReturnRelay, desk: Desk, shop: Sender) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(
        sent.return_path(),
        report("Final-Recipient: rfc822; ann@there.example\nAction: delayed\nStatus: 4.4.1\n"),
    )
    read_all()
    assert sent.state() == ("delivered", None)
    assert sent.events() == ["delivered", "delayed"]


def test_a_report_that_overtakes_our_own_record_waits_for_it(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    sent = accept(desk, shop, "ann@there.example")
    worker = desk.worker()
    (claimed,) = worker.claim()
    relay.bring(sent.return_path(), gone("ann@there.example"))
    read_all()
    assert suppressions(shop) == {"ann@there.example": "hard_bounce"}
    assert sent.state()[0] == "queued"
    worker.finish(result(claimed))
    read_again_after(books, "15 seconds")
    assert sent.state() == ("bounced", "hard")
    assert sorted(sent.events()) == ["bounced", "delivered"]
    assert shop.stats == {"accepted": 1, "bounced_hard": 1}


def test_a_report_that_overtakes_the_message_in_the_tables_is_taken_and_waits_for_it(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    sent = accept_by_allotment(desk, shop, "ann@there.example")
    worker = desk.worker()
    (claimed,) = worker.claim()
    relay.bring(sent.return_path(), gone("ann@there.example"))
    read_all()
    worker.finish(result(claimed))
    read_again_after(books, "15 seconds")
    assert sent.state() == ("bounced", "hard")
    assert suppressions(shop) == {"ann@there.example": "hard_bounce"}


@pytest.mark.parametrize("allotted", [True, False])
def test_a_report_waits_as_long_as_what_is_recorded_of_its_message_is_set_aside(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books, allotted: bool
) -> None:
    accepted = accept_by_allotment if allotted else accept
    sent = accepted(desk, shop, "ann@there.example")
    set_aside(books, shop)
    worker = desk.worker()
    worker.finish(*map(result, worker.claim()))
    relay.bring(sent.return_path(), gone("ann@there.example"))
    read_again_after(books, "1 hour")
    assert inbound_rows(books, shop)[0]["state"] == "unread"
    record_again()
    read_again_after(books, "1 hour")
    assert sent.state() == ("bounced", "hard")
    assert suppressions(shop) == {"ann@there.example": "hard_bounce"}
    assert shop.stats["bounced_hard"] == 1


def test_a_report_waits_as_long_as_its_message_is_only_logged(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    sent = accept_by_allotment(desk, shop, "ann@there.example")
    books.execute("UPDATE relay.result_log SET logged_at = now() - interval '2 hours'")
    relay.bring(sent.return_path(), gone("ann@there.example"))
    read_again_after(books, "1 hour")
    worker = desk.worker()
    worker.finish(*map(result, worker.claim()))
    read_again_after(books, "1 hour")
    assert sent.state() == ("bounced", "hard")


def test_a_report_that_waits_for_days_is_left_to_people_and_can_be_read_when_its_message_is_there(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    sent = accept_by_allotment(desk, shop, "ann@there.example")
    set_aside(books, shop)
    worker = desk.worker()
    worker.finish(*map(result, worker.claim()))
    relay.bring(sent.return_path(), gone("ann@there.example"))
    read_again_after(books, "4 days")
    (kept,) = inbound_rows(books, shop)
    assert (kept["state"], kept["reason"]) == ("not_understood", "unrecorded")
    record_again()
    books.execute("SELECT relay.read_inbound_again(%s)", (kept["id"],))
    read_all()
    assert sent.state() == ("bounced", "hard")


def test_what_ended_otherwise_stays_as_it_ended(relay: ReturnRelay, desk: Desk, shop: Sender) -> None:
    sent = accept(desk, shop, "ann@there.example")
    worker = desk.worker()
    worker.finish(*(result(one, "expired") for one in worker.claim()))  # type: ignore[arg-type]
    relay.bring(sent.return_path(), gone("ann@there.example"))
    read_all()
    assert sent.state()[0] == "expired"
    assert suppressions(shop) == {"ann@there.example": "hard_bounce"}
    assert shop.stats == {"accepted": 1, "expired": 1}


def test_a_customers_own_return_path_host_takes_its_bounces(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    shop.rows("SELECT 1 AS one")  # the books look into this reseller's schema now
    books.execute(
        "INSERT INTO domain (account_id, name, return_path_verified) VALUES (%s, %s, true)",
        (shop.account_id, f"shop{shop.account_id}.example"),
    )
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.return_path(host=f"rp.shop{shop.account_id}.example"), gone("ann@there.example"))
    read_all()
    assert sent.state() == ("bounced", "hard")


def test_a_host_that_leads_here_no_more_is_not_ours(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    name = f"was{shop.account_id}.example"
    books.execute(
        "INSERT INTO domain (account_id, name, return_path_verified) VALUES (%s, %s, true)",
        (shop.account_id, name),
    )
    books.execute("UPDATE domain SET return_path_verified = false WHERE name = %s", (name,))
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        relay.bring(sent.return_path(host=f"rp.{name}"), gone("ann@there.example"))


def test_another_resellers_host_does_not_know_the_message(
    relay: ReturnRelay, desk: Desk, shop: Sender, account: OpenAccount, books: Books
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    stranger = return_path_host(account(1))
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        relay.bring(sent.return_path(host=stranger), gone("ann@there.example"))
    ((code, text),) = refused.value.recipients.values()
    assert (code, text[:5]) == (550, b"5.1.1")
    assert inbound_rows(books, shop) == []
