"""What a relay takes from those who have not logged in: mail for its own addresses, and nothing else."""

import smtplib
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from platform_core.errors import Unavailable
from platform_core.ids import MessageId, ResellerId
from relay_worker.inbound.door import InboundMail, Owner
from tests.relay_worker.inbound.conftest import OpenAccount
from tests.relay_worker.inbound.returns import (
    Books,
    ReturnRelay,
    Sent,
    deliver,
    inbound_rows,
    read_all,
    return_path_host,
)
from tests.relay_worker.queue.desk import Desk, Sender
from tests.relay_worker.submission.fakes import SECRET, make_route
from tests.relay_worker.submission.relays import RawClient

MAIL = b"Subject: Hello\r\n\r\nHello\r\n.\r\n"
StartRelay = Callable[..., ReturnRelay]


@pytest.fixture
def start_relay(database: Any) -> Iterator[StartRelay]:
    running: list[ReturnRelay] = []

    def start(**changes: object) -> ReturnRelay:
        relay = ReturnRelay(**changes)
        running.append(relay)
        relay.start()
        return relay

    yield start
    for relay in running:
        relay.stop()


@pytest.fixture
def sent(desk: Desk, shop: Sender) -> Sent:
    return deliver(desk, shop, "ann@there.example")


def rcpt(client: RawClient, address: str) -> str:
    return client.ask(b"RCPT TO:<%s>" % address.encode())


def begun(client: RawClient) -> RawClient:
    """After MAIL from the null sender, as reports come."""
    client.greet()
    assert client.ask(b"MAIL FROM:<>").startswith("250 ")
    return client


def test_our_own_addresses_are_taken_in_any_case(relay: ReturnRelay, sent: Sent) -> None:
    host = return_path_host(sent.sender)
    names = ["feedback", "fbl", "abuse", "Postmaster", "POSTMASTER"]
    addresses = [sent.return_path(), sent.unsubscribe_mailbox(), *(f"{name}@{host}" for name in names)]
    with relay.raw() as client:
        begun(client)
        for address in addresses:
            assert rcpt(client, address).startswith("250 2.1.5 "), address
            assert rcpt(client, address.upper()).startswith("250 2.1.5 "), address


def test_the_postmaster_needs_no_domain(relay: ReturnRelay, app: Flask, books: Books) -> None:
    with relay.raw() as client:
        begun(client)
        assert client.ask(b"RCPT TO:<Postmaster>").startswith("250 ")
        client.ask(b"DATA")
        client.send(MAIL)
        assert client.reply().startswith("250 ")
    read_all()
    (kept,) = books.execute("SELECT kind, reseller_id, rcpt_to, reason FROM relay.inbound").fetchall()
    assert kept == {
        "kind": "postmaster",
        "reseller_id": None,
        "rcpt_to": "postmaster",
        "reason": "for the postmaster",
    }


def test_every_other_address_at_our_hosts_does_not_exist(relay: ReturnRelay, sent: Sent) -> None:
    host = return_path_host(sent.sender)
    forged = sent.return_path()[:-1] + ("x" if sent.return_path()[-1] != "x" else "y")
    local, _, _ = sent.return_path().partition("@")
    flipped = ("a" if local[-1] != "a" else "b").join((local[:-1], ""))
    with relay.raw() as client:
        begun(client)
        for address in (
            f"info@{host}",
            f"{flipped}@{host}",
            f"unsubscribe+{local}@{host}",
            f"unsubscribe@{host}",
        ):
            assert rcpt(client, address).startswith("550 5.1.1 "), address
        assert rcpt(client, forged).startswith("550 5.7.1 ")


def test_mail_for_anybody_else_is_not_relayed(relay: ReturnRelay, sent: Sent) -> None:
    with relay.raw() as client:
        begun(client)
        for address in ("ann@there.example", "postmaster@there.example", '"ann@there.example"@other.example'):
            assert rcpt(client, address).startswith("550 5.7.1 "), address
        assert client.ask(b"DATA").startswith("554 5.5.1 ")


def test_a_portal_host_takes_no_mail(relay: ReturnRelay, sent: Sent) -> None:
    with relay.raw() as client:
        begun(client)
        assert rcpt(client, f"postmaster@portal.{sent.sender.reseller.key}.example").startswith("550 5.7.1 ")


def test_what_is_taken_is_durable_before_the_250_and_somebody_is_called_to_read_it(
    relay: ReturnRelay, sent: Sent, books: Books
) -> None:
    rings = relay.inbound_rings
    with relay.raw() as client:
        begun(client)
        rcpt(client, sent.return_path())
        client.ask(b"DATA")
        client.send(b"Subject: Hello\r\n\r\n..Hello\r\n.\r\n")
        assert client.reply().startswith("250 2.0.0 ")
        (kept,) = inbound_rows(books, sent.sender)
    assert kept["raw"] == b"Subject: Hello\r\n\r\n.Hello\r\n"
    assert (kept["kind"], kept["mail_from"], kept["rcpt_to"]) == ("return_path", "", sent.return_path())
    assert (kept["state"], kept["client_address"]) == ("unread", "127.0.0.1")
    relay.wait_for_ring(rings + 1)


def test_a_mail_for_several_of_our_addresses_is_kept_for_each(
    relay: ReturnRelay, sent: Sent, books: Books
) -> None:
    with relay.raw() as client:
        begun(client)
        rcpt(client, sent.return_path())
        rcpt(client, f"feedback@{return_path_host(sent.sender)}")
        assert rcpt(client, "ann@there.example").startswith("550 ")
        client.ask(b"DATA")
        client.send(MAIL)
        assert client.reply().startswith("250 ")
    assert [row["kind"] for row in inbound_rows(books, sent.sender)] == ["return_path", "feedback"]


class DoorOfADyingDatabase:
    """Knows every address, and can keep nothing."""

    async def owner(self, host: str, domain: str, message_id: MessageId | None) -> Owner:
        return Owner(True, ResellerId(1))

    async def keep(self, mail: InboundMail) -> None:
        raise Unavailable("The database is away.")


def test_a_database_that_is_away_is_a_temporary_fault(start_relay: StartRelay, sent: Sent) -> None:
    with start_relay(inbound=DoorOfADyingDatabase()).raw() as client:
        begun(client)
        rcpt(client, sent.return_path())
        client.ask(b"DATA")
        client.send(MAIL)
        assert client.reply().startswith("451 4.3.0 ")


def test_of_a_mail_beyond_the_limit_the_beginning_is_kept(
    start_relay: StartRelay, sent: Sent, books: Books
) -> None:
    relay = start_relay(inbound_max_message_bytes=65_536)
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"MAIL FROM:<> SIZE=200000").startswith("250 ")
        rcpt(client, sent.return_path())
        client.ask(b"DATA")
        client.send(b"Subject: a\r\n\r\n" + b"x" * 200_000 + b"\r\n.\r\n")
        assert client.reply().startswith("250 2.0.0 ")
        assert client.ask(b"NOOP").startswith("250 ")  # the rest was no command
    (kept,) = inbound_rows(books, sent.sender)
    assert (len(kept["raw"]), kept["raw"][:15]) == (65_536, b"Subject: a\r\n\r\nx")


def test_a_mail_beyond_the_size_that_is_announced_is_refused(relay: ReturnRelay) -> None:
    with relay.raw() as client:
        client.greet()
        announced = relay.settings.relay_max_message_bytes
        assert client.ask(b"MAIL FROM:<> SIZE=%d" % (announced + 1)).startswith("552 5.3.4 ")


def test_a_mail_that_goes_in_circles_ends_here(relay: ReturnRelay, sent: Sent) -> None:
    with relay.raw() as client:
        begun(client)
        rcpt(client, sent.return_path())
        client.ask(b"DATA")
        client.send(b"Received: from a by b; now\r\n" * 51 + MAIL)
        assert client.reply().startswith("554 5.4.6 ")


def test_bare_line_ends_are_taken_since_the_mail_goes_nowhere(
    relay: ReturnRelay, sent: Sent, books: Books
) -> None:
    with relay.raw() as client:
        begun(client)
        rcpt(client, sent.return_path())
        client.ask(b"DATA")
        client.send(b"Subject: a\nX: b\r\n\r\nc\n.\nd\0\r\n.\r\n")
        assert client.reply().startswith("250 ")
    assert inbound_rows(books, sent.sender)[0]["raw"] == b"Subject: a\nX: b\r\n\r\nc\n.\nd\0\r\n"


def test_more_recipients_than_a_report_has_are_put_off(
    relay: ReturnRelay, sent: Sent, desk: Desk, shop: Sender
) -> None:
    more = [deliver(desk, shop, "ann@there.example") for _ in range(10)]
    with relay.raw() as client:
        begun(client)
        for one in more:
            assert rcpt(client, one.return_path()).startswith("250 ")
        assert rcpt(client, sent.return_path()).startswith("452 4.5.3 ")


def test_who_asks_for_many_addresses_that_are_not_there_is_sent_away(
    start_relay: StartRelay, sent: Sent
) -> None:
    relay = start_relay(inbound_max_refusals_per_address=3)
    with relay.raw() as client:
        begun(client)
        for n in range(3):
            rcpt(client, f"guess{n}@{return_path_host(sent.sender)}")
        client.ask(b"RSET")
        assert client.ask(b"MAIL FROM:<>").startswith("421 4.7.0 ")
        assert client.closed


def test_who_brings_too_much_is_sent_away(start_relay: StartRelay, sent: Sent) -> None:
    relay = start_relay(inbound_max_messages_per_address=1)
    relay.bring(sent.return_path(), b"Subject: one\r\n\r\none\r\n")
    with pytest.raises(smtplib.SMTPException) as refused:
        relay.bring(sent.return_path(), b"Subject: two\r\n\r\ntwo\r\n")
    assert "421" in str(refused.value)


# --- beside submission ---


def test_another_port_wants_a_login_first(start_relay: StartRelay, sent: Sent) -> None:
    relay = start_relay(inbound_ports=())
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"MAIL FROM:<>").startswith("530 5.7.0 ")


def test_on_the_same_port_customers_log_in_and_send(relay: ReturnRelay) -> None:
    relay.door.routes["anna"] = make_route(
        verifier=relay.relay._services.logins._verifier.verifier(SECRET)  # the settings' own key
    )
    with relay.raw() as client:
        client.log_in()
        client.begin(recipient=b"ann@there.example")
        client.send(b"From: me@example.org\r\n\r\nHello\r\n.\r\n")
        assert client.reply().startswith("250 2.0.0 Accepted as ")


def test_nobody_logs_in_in_the_middle_of_a_mail(relay: ReturnRelay, sent: Sent) -> None:
    with relay.raw() as client:
        begun(client)
        rcpt(client, sent.return_path())
        assert client.ask(b"AUTH PLAIN " + b64encode(b"\0anna\0x")).startswith("503 5.5.1 ")


def test_the_order_of_commands_is_kept(relay: ReturnRelay) -> None:
    with relay.raw() as client:
        assert client.reply().startswith("220 ")
        assert client.ask(b"MAIL FROM:<>").startswith("503 5.5.1 ")
        client.ask(b"EHLO mx.there.example")
        assert client.ask(b"RCPT TO:<postmaster@there.example>").startswith("503 5.5.1 ")
        assert client.ask(b"DATA").startswith("503 5.5.1 ")
        client.ask(b"MAIL FROM:<>")
        assert client.ask(b"DATA").startswith("503 5.5.1 ")
        assert client.ask(b"MAIL FROM:<>").startswith("503 5.5.1 ")


def test_a_mail_keeps_nothing_of_the_one_before(relay: ReturnRelay, sent: Sent, books: Books) -> None:
    with relay.raw() as client:
        begun(client)
        rcpt(client, sent.return_path())
        client.ask(b"RSET")
        client.ask(b"MAIL FROM:<mailer-daemon@there.example>")
        rcpt(client, f"abuse@{return_path_host(sent.sender)}")
        client.ask(b"DATA")
        client.send(MAIL)
        assert client.reply().startswith("250 ")
    (kept,) = inbound_rows(books, sent.sender)
    assert (kept["kind"], kept["mail_from"]) == ("feedback", "mailer-daemon@there.example")


def test_starttls_is_offered_to_strangers_too(relay: ReturnRelay, sent: Sent, account: OpenAccount) -> None:
    with relay.smtplib() as client:
        client.starttls()
        client.sendmail("", [sent.return_path()], "Subject: over TLS\r\n\r\nHello\r\n")
