"""Who may send as whom, and what the relay adds to a message."""

import re

import pytest

from platform_core.errors import Unavailable
from tests.relay_worker.submission.fakes import make_route
from tests.relay_worker.submission.relays import RunningRelay


@pytest.mark.parametrize("domain", [b"example.net", b"sub.example.org", b"org", b"example.org.evil.example"])
def test_an_envelope_sender_of_a_foreign_domain_is_refused_by_name(
    relay: RunningRelay, domain: bytes
) -> None:
    with relay.raw() as client:
        client.log_in()
        reply = client.ask(b"MAIL FROM:<me@%s>" % domain)
    assert reply == f"550 5.7.1 {domain.decode()} is not a verified sending domain of this account."


@pytest.mark.parametrize("sender", [b"me@EXAMPLE.org", b"me@example.com", "me@Bücher.example".encode()])
def test_an_envelope_sender_of_any_own_domain_is_taken(relay: RunningRelay, sender: bytes) -> None:
    with relay.raw() as client:
        client.log_in()
        assert client.ask(b"MAIL FROM:<%s> SMTPUTF8" % sender).startswith("250 2.1.0")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"From: you@example.net\r\n", "550 5.7.1 example.net is"),
        (b"From: me@sub.example.org\r\n", "550 5.7.1 sub.example.org is"),
        (b"From: me@example.net\r\nSender: me@example.org\r\n", "550 5.7.1"),
        (b"Subject: x\r\n", "550 5.6.0"),
        (b"From: me@example.org\r\nFrom: me@example.org\r\n", "550 5.6.0"),
        (b"From: me@example.org\r\nFrom : you@example.net\r\n", "550 5.6.0"),
        (b"From: me@example.org, you@example.net\r\n", "550 5.6.0"),
        (b"From: me@example.org\r\nSender: you@example.net\r\n", "250 2.0.0"),
        (b"From: Me <me@example.com>\r\n", "250 2.0.0"),
        (b"", "550 5.6.0"),
    ],
)
def test_header_from_must_be_one_mailbox_of_an_own_domain(
    relay: RunningRelay, header: bytes, expected: str
) -> None:
    with relay.raw() as client:
        assert client.log_in().deliver(header + b"\r\nbody\r\n.\r\n").startswith(expected)


def test_an_empty_message_is_refused(relay: RunningRelay) -> None:
    with relay.raw() as client:
        assert client.log_in().deliver(b".\r\n").startswith("550 5.6.0")


def test_a_domain_verified_during_a_session_may_be_used_in_it(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        relay.door.routes["anna"] = make_route(domains=frozenset({"new.example"}))
        let_time_pass(relay, 6)
        assert client.ask(b"MAIL FROM:<me@new.example>").startswith("250 ")


@pytest.mark.parametrize("sender", [b"", b"me@example.org"])
def test_a_domain_verified_during_a_session_may_be_used_in_header_from(
    relay: RunningRelay, sender: bytes
) -> None:
    with relay.raw() as client:
        client.log_in()
        relay.door.routes["anna"] = make_route(domains=frozenset({"new.example", "example.org"}))
        let_time_pass(relay, 6)
        client.begin(sender)
        client.send(b"From: me@new.example\r\n\r\nx\r\n.\r\n")
        assert client.reply().startswith("250 ")


def test_while_the_database_is_away_a_new_domain_is_put_off_and_a_known_one_goes_on(
    relay: RunningRelay,
) -> None:
    with relay.raw() as client:
        client.log_in()
        relay.door.route_fault = Unavailable("The database is away.")
        let_time_pass(relay, 61)
        assert client.ask(b"MAIL FROM:<me@new.example>").startswith("451 4.3.0 ")
        assert client.ask(b"MAIL FROM:<me@example.org>").startswith("250 ")
        assert client.ask(b"RCPT TO:<you@example.net>").startswith("250 ")
        client.ask(b"DATA")
        client.send(b"From: me@new.example\r\n\r\nx\r\n.\r\n")
        assert client.reply().startswith("451 4.3.0 ")


def test_a_domain_taken_away_is_no_longer_good_for_the_null_sender_either(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        relay.door.routes["anna"] = make_route(domains=frozenset({"new.example"}))
        let_time_pass(relay, 61)
        client.begin(b"")
        client.send(b"From: me@example.org\r\n\r\nx\r\n.\r\n")
        assert client.reply().startswith("550 5.7.1 example.org is not a verified sending domain")


def test_a_credential_taken_away_ends_a_long_session(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        relay.door.routes["anna"] = make_route(verifier=bytes(32))
        let_time_pass(relay, 61)
        assert client.ask(b"MAIL FROM:<me@example.org>").startswith("535 5.7.13")
        assert client.closed


def test_the_trace_field_names_the_resellers_host_and_neither_client_nor_recipients(
    relay: RunningRelay,
) -> None:
    with relay.raw(tls="x.example") as client:
        client.log_in().deliver(b"From: me@example.org\r\n\r\nx\r\n.\r\n")
    stored = relay.door.only
    first = stored.raw.split(b"\r\nMessage-ID:")[0].decode()
    assert re.fullmatch(
        r"Received: from authenticated-user by smtp\.agency\.example with ESMTPSA\r\n"
        rf"\t\(TLSv1\.[23] \w+\)\r\n\tid {stored.message_id}; \w{{3}}, \d\d \w{{3}} \d{{4}} [\d:]{{8}} \+0000",
        first,
    )
    assert (stored.client_address, stored.client_helo) == ("127.0.0.1", "client.example")
    for private in (b"127.0.0.1", b"client.example", b"example.net"):
        assert private not in stored.raw


def test_missing_message_id_and_date_are_added(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in().deliver(b"From: me@example.org\r\nDate:\r\n\r\nx\r\n.\r\n")
    stored = relay.door.only
    assert stored.message_id_header == f"<{stored.message_id}@example.org>"
    assert f"\r\nMessage-ID: {stored.message_id_header}\r\nDate: ".encode() in stored.raw
    assert stored.raw.count(b"Date:") == 1


def test_present_message_id_and_date_are_kept_and_nothing_else_changes(relay: RunningRelay) -> None:
    message = b"Date: then\r\nFROM: me@example.org\r\nMessage-Id: <1@x>\r\nX-Odd:\tkept \r\n\r\nbody\r\n"
    with relay.raw() as client:
        client.log_in().deliver(message + b".\r\n")
    stored = relay.door.only
    assert stored.raw.endswith(b"+0000\r\n" + message)
    assert stored.message_id_header == "<1@x>"


def test_bcc_goes_no_further(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in().deliver(b"Bcc: secret@example.net\r\nFrom: me@example.org\r\n\r\nx\r\n.\r\n")
    assert b"secret" not in relay.door.only.raw


def test_an_international_message_is_marked_as_such(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        assert client.ask("MAIL FROM:<jürgen@example.org> SMTPUTF8 BODY=8BITMIME".encode()).startswith("250 ")
        assert client.ask("RCPT TO:<мария@пример.example>".encode()).startswith("250 ")
        client.ask(b"DATA")
        client.send("From: Jürgen <jürgen@example.org>\r\nSubject: Grüße\r\n\r\né\r\n.\r\n".encode())
        assert client.reply().startswith("250 ")
    stored = relay.door.only
    assert (stored.smtputf8, stored.body_8bit, stored.subject) == (True, True, "Grüße")
    assert stored.rcpt_to == ("мария@xn--e1afmkfd.example",)
    assert b" with UTF8SMTPA\r\n" in stored.raw


def test_smtputf8_without_need_asks_nothing_of_the_next_server(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.ask(b"MAIL FROM:<me@example.org> SMTPUTF8")
        client.ask(b"RCPT TO:<you@example.net>")
        client.ask(b"DATA")
        client.send("From: me@example.org\r\n\r\né\r\n.\r\n".encode())
        client.reply()
    stored = relay.door.only
    assert (stored.smtputf8, stored.body_8bit) == (False, True)


def test_an_address_beyond_ascii_needs_smtputf8(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.ask(b"MAIL FROM:<me@example.org>")
        assert client.ask("RCPT TO:<é@example.net>".encode()).startswith("553 5.6.7")


def let_time_pass(relay: RunningRelay, seconds: float) -> None:
    """What sessions know of their accounts is older by that."""
    for session in relay.relay._services.sessions:
        session._route_read_at -= seconds
