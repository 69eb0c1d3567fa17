"""What was kept is read once, whoever dies over it and however odd it is."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_core.errors import NotFound
from relay_worker.inbound.jobs import forget_old
from relay_worker.inbound.marks import Marks
from relay_worker.inbound.queries import InboundState, inbound_content, inbound_mails
from relay_worker.inbound.reading import understand
from relay_worker.inbound.services import MOST_TRIES, apply_findings, read_again, take_unread
from tests.relay_worker.bounces.mails import report
from tests.relay_worker.inbound.returns import (
    Books,
    ReturnRelay,
    deliver,
    inbound_rows,
    read_all,
    return_path_host,
    secret_key,
    suppressions,
)
from tests.relay_worker.queue.desk import Desk, Sender

GONE = report(
    "Final-Recipient: rfc822; ann@there.example\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n"
)


@pytest.fixture
def session(app: object) -> Session:
    return db.session()


def end_leases(books: Books) -> None:
    books.execute("UPDATE relay.inbound SET next_at = now() WHERE state = 'unread'")


def test_who_dies_before_applying_leaves_the_mail_to_the_next(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books, session: Session
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.return_path(), GONE)
    (taken,) = take_unread(session)
    assert taken.raw.startswith(b"From: Mail Delivery System")
    read_all()
    assert sent.state() == ("delivered", None)  # while the lease lasts nobody else takes it
    end_leases(books)
    read_all()
    assert sent.state() == ("bounced", "hard")


def test_what_two_have_taken_is_applied_once(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books, session: Session
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.return_path(), GONE)
    (first,) = take_unread(session)
    end_leases(books)
    (second,) = take_unread(session)
    marks = Marks.from_secret(secret_key())
    states = [apply_findings(session, one, understand(one, marks)) for one in (first, second)]
    assert states == ["applied", "read_already"]
    assert shop.stats == {"accepted": 1, "bounced_hard": 1}


def test_what_was_taken_too_often_and_fails_is_left_to_people(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.return_path(), GONE)
    schema = f"r_{shop.reseller.key}"
    books.execute(f"ALTER TABLE {schema}.event RENAME TO event_away".encode())
    try:
        for _ in range(MOST_TRIES):
            end_leases(books)
            read_all()
    finally:
        books.execute(f"ALTER TABLE {schema}.event_away RENAME TO event".encode())
    (kept,) = inbound_rows(books, shop)
    assert kept["state"] == "not_understood"
    assert kept["reason"].startswith("a fault of ours: ")
    assert suppressions(shop) == {}


def test_staff_have_a_mail_read_again_once_the_fault_is_mended(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books, session: Session
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    relay.bring(sent.return_path(), GONE)
    (kept,) = inbound_rows(books, shop)
    books.execute(
        "UPDATE relay.inbound SET state = 'not_understood', reason = 'a fault' WHERE id = %s", (kept["id"],)
    )
    read_again(session, kept["id"])
    session.commit()
    read_all()
    assert sent.state() == ("bounced", "hard")
    with pytest.raises(NotFound):
        read_again(session, kept["id"])


def test_staff_see_what_was_not_understood_with_its_content(
    relay: ReturnRelay, shop: Sender, session: Session
) -> None:
    relay.bring(f"postmaster@{return_path_host(shop)}", b"Subject: Hello\r\n\r\nAnybody there?\r\n")
    read_all()
    (line,) = inbound_mails(session, InboundState.NOT_UNDERSTOOD, reseller_id=shop.reseller.id)
    assert (line.kind, line.reason) == ("postmaster", "for the postmaster")
    assert inbound_content(session, line.id).endswith(b"Anybody there?\r\n")
    with pytest.raises(NotFound):
        inbound_content(session, 0)


def test_what_was_read_is_forgotten_after_its_time_and_never_before_it_was_read(
    relay: ReturnRelay, shop: Sender, books: Books
) -> None:
    for state in ("applied", "not_understood", "unread"):
        relay.bring(f"postmaster@{return_path_host(shop)}", b"\r\n")
        books.execute("UPDATE relay.inbound SET state = %s WHERE state = 'unread' AND reason = ''", (state,))
    books.execute("UPDATE relay.inbound SET state = 'unread' WHERE id = (SELECT max(id) FROM relay.inbound)")
    forget_old()
    assert len(inbound_rows(books, shop)) == 3
    long_ago = SystemClock().now() - timedelta(days=31)
    books.execute("UPDATE relay.inbound SET received_at = %s", (long_ago,))
    forget_old()
    assert [row["state"] for row in inbound_rows(books, shop)] == ["unread"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x",
        GONE.replace(b"User unknown", b"\x00 \xed\xa0\x80 unknown"),
        GONE.replace(b"550 5.1.1", b"99999999999999999999 5.1.1"),
        GONE.replace(b"ann@there.example", b"\x00@\x00"),
    ],
)
def test_odd_mail_is_settled_one_way_or_the_other(
    relay: ReturnRelay, desk: Desk, shop: Sender, books: Books, raw: bytes
) -> None:
    sent = deliver(desk, shop, "ann@there.example")
    with relay.raw() as client:
        client.greet()
        client.ask(b"MAIL FROM:<>")
        client.ask(b"RCPT TO:<%s>" % sent.return_path().encode())
        client.ask(b"DATA")
        client.send(raw.replace(b"\n", b"\r\n") + b"\r\n.\r\n")
        assert client.reply().startswith("250 ")
    read_all()
    (kept,) = inbound_rows(books, shop)
    assert kept["state"] in ("applied", "not_understood")
    assert not kept["reason"].startswith("a fault")
