"""The conversation: greetings, order of commands, replies."""

import re

import pytest

from relay_worker.submission.replies import accepted
from tests.relay_worker.submission.relays import RunningRelay

CLEAN = b"From: me@example.org\r\n\r\nx\r\n.\r\n"


def test_the_greeting_names_the_neutral_host_and_no_software(relay: RunningRelay) -> None:
    with relay.raw() as client:
        assert client.reply() == "220 smtp.neutral.example ESMTP"


def test_ehlo_announces_exactly_what_is_offered_in_clear(start_relay) -> None:
    relay = start_relay(relay_allow_plaintext_loopback_auth=False, relay_max_message_bytes=12345)
    with relay.raw() as client:
        lines = client.greet().splitlines()
    assert [line[4:] for line in lines] == [
        "smtp.neutral.example", "SIZE 12345", "8BITMIME", "PIPELINING", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "STARTTLS",
    ]  # fmt: skip


def test_ehlo_offers_auth_and_no_starttls_under_tls(relay: RunningRelay) -> None:
    with relay.raw(tls="smtp.neutral.example") as client:
        lines = [line[4:] for line in client.greet().splitlines()]
    assert "STARTTLS" not in lines
    assert lines[-1] == "AUTH PLAIN LOGIN"


def test_auth_in_clear_is_offered_on_loopback_only_where_it_is_set(relay: RunningRelay) -> None:
    with relay.raw() as client:
        assert client.greet().endswith("250 AUTH PLAIN LOGIN")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (b"NOOP", "250 2.0.0"),
        (b"NOOP with words", "250 2.0.0"),
        (b"RSET", "250 2.0.0"),
        (b"RSET now", "501 5.5.4"),
        (b"VRFY anna", "252 2.5.2"),
        (b"VRFY", "501 5.5.4"),
        (b"EXPN list", "502 5.5.1"),
        (b"HELP", "214 2.0.0"),
        (b"WHAT", "500 5.5.2"),
        (b"", "500 5.5.2"),
        (b"EHLO", "501 5.5.4"),
        (b"EHLO two words", "501 5.5.4"),
        (b"HELO " + b"x" * 300, "501 5.5.4"),
        (b"QUIT now", "501 5.5.4"),
        (b"QUIT", "221 2.0.0"),
        (b"MAIL FROM:<me@example.org>", "530 5.7.0"),
        (b"RCPT TO:<you@example.net>", "530 5.7.0"),
        (b"DATA", "530 5.7.0"),
        (b"AUTH", "501 5.5.4"),
        (b"AUTH GSSAPI", "504 5.5.4"),
    ],
)
def test_each_command_before_login_has_its_reply(relay: RunningRelay, command: bytes, expected: str) -> None:
    with relay.raw() as client:
        client.greet()
        assert client.ask(command).startswith(expected)


@pytest.mark.parametrize("command", [b"MAIL FROM:<me@example.org>", b"AUTH PLAIN"])
def test_a_greeting_comes_first(relay: RunningRelay, command: bytes) -> None:
    with relay.raw() as client:
        client.reply()
        assert client.ask(command).startswith("503 5.5.1")


def test_commands_in_the_wrong_order_are_503(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        assert client.ask(b"RCPT TO:<you@example.net>").startswith("503 5.5.1")
        assert client.ask(b"DATA").startswith("503 5.5.1")
        assert client.ask(b"MAIL FROM:<me@example.org>").startswith("250 2.1.0")
        assert client.ask(b"MAIL FROM:<me@example.org>").startswith("503 5.5.1")
        assert client.ask(b"DATA").startswith("503 5.5.1")


def test_rset_and_ehlo_drop_the_transaction_and_keep_the_login(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        for command in (b"RSET", b"EHLO again.example"):
            client.ask(b"MAIL FROM:<me@example.org>")
            assert client.ask(command).startswith("250")
            assert client.ask(b"RCPT TO:<you@example.net>").startswith("503 5.5.1")
        assert client.deliver(CLEAN).startswith("250 ")


def test_pipelined_commands_are_answered_in_order(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.send(b"MAIL FROM:<me@example.org>\r\nRCPT TO:<a@example.net>\r\nRCPT TO:<bad@@>\r\nDATA\r\n")
        assert [client.reply()[:3] for _ in range(4)] == ["250", "250", "553", "354"]
        client.send(CLEAN)
        assert client.reply().startswith("250 2.0.0")
    assert relay.door.only.rcpt_to == ("a@example.net",)


def test_pipelined_data_without_a_valid_recipient_is_refused(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.send(b"MAIL FROM:<me@example.org>\r\nRCPT TO:<bad@@>\r\nDATA\r\n")
        assert [client.reply()[:9] for _ in range(3)] == ["250 2.1.0", "553 5.1.3", "554 5.5.1"]


def test_a_message_sent_in_one_packet_with_everything_before_it_is_taken(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.send(
            b"MAIL FROM:<me@example.org>\r\nRCPT TO:<a@example.net>\r\nDATA\r\n" + CLEAN + b"QUIT\r\n"
        )
        assert [client.reply()[:3] for _ in range(5)] == ["250", "250", "354", "250", "221"]


def test_a_message_behind_a_refused_data_is_never_taken_for_commands(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.send(
            b"MAIL FROM:<not mine>\r\nRCPT TO:<a@example.net>\r\nDATA\r\nMAIL FROM:<me@example.org>\r\n"
        )
        assert [client.reply()[:9] for _ in range(4)] == ["553 5.1.7", "503 5.5.1", "503 5.5.1", "421 4.7.0"]
        assert client.closed


def test_a_client_that_stops_sending_still_reads_its_replies(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in().begin()
        client.send(CLEAN + b"QUIT\r\n")
        client.sock.shutdown(1)
        assert client.reply().startswith("250 2.0.0")
        assert client.reply().startswith("221 ")


def test_duplicate_recipients_are_one(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.ask(b"MAIL FROM:<me@example.org>")
        for recipient in (b"You@example.net", b"you@EXAMPLE.net", b"she@example.net"):
            assert client.ask(b"RCPT TO:<%s>" % recipient).startswith("250 2.1.5")
        client.ask(b"DATA")
        client.send(CLEAN)
        client.reply()
    assert relay.door.only.rcpt_to == ("You@example.net", "she@example.net")


def test_recipients_over_the_limit_are_put_off_and_the_others_served(start_relay) -> None:
    relay = start_relay(relay_max_recipients=100)
    with relay.raw() as client:
        client.log_in()
        client.ask(b"MAIL FROM:<me@example.org>")
        replies = [client.ask(b"RCPT TO:<r%d@example.net>" % n)[:9] for n in range(101)]
        assert replies == ["250 2.1.5"] * 100 + ["452 4.5.3"]
        client.ask(b"DATA")
        client.send(CLEAN)
        assert client.reply().startswith("250 2.0.0")
    assert len(relay.door.only.rcpt_to) == 100


def test_the_null_sender_is_taken(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in().begin(sender=b"")
        client.send(CLEAN)
        assert client.reply().startswith("250 2.0.0")
    assert relay.door.only.mail_from == ""


def test_every_reply_after_ehlo_bears_an_enhanced_code_of_its_class(relay: RunningRelay) -> None:
    commands = [b"NOOP", b"WHAT", b"HELP", b"VRFY x", b"EXPN x", b"MAIL FROM:<x>", b"RSET", b"QUIT"]
    with relay.raw() as client:
        client.log_in()
        replies = [client.ask(command) for command in commands]
    assert all(re.match(r"([245])\d\d \1\.\d+\.\d+ \S", reply) for reply in replies)


def test_the_reply_to_an_accepted_message_names_its_id() -> None:
    assert accepted("0190").line() == "250 2.0.0 Accepted as 0190"
