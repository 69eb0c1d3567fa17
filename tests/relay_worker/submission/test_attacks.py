"""What hostile clients try, each attack by itself, over real sockets."""

import time
from base64 import b64encode

import pytest

from tests.relay_worker.submission.fakes import SECRET
from tests.relay_worker.submission.relays import RunningRelay, any_certificate

CLEAN = b"From: me@example.org\r\n\r\nx\r\n.\r\n"
HEADER = b"From: me@example.org\r\n\r\n"


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n\r\n.\r\r\n"]
)
def test_a_smuggled_message_is_not_taken_for_a_second_one(relay: RunningRelay, end: bytes) -> None:
    smuggled = b"MAIL FROM:<me@example.org>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\n"
    with relay.raw() as client:
        reply = client.log_in().deliver(HEADER + b"a" + end + smuggled + CLEAN)
        assert reply.startswith("554 5.6.0")
        assert client.ask(b"NOOP") == "250 2.0.0 OK"
    assert relay.door.messages == []


def test_nul_in_a_message_is_refused_and_the_session_goes_on(relay: RunningRelay) -> None:
    with relay.raw() as client:
        assert client.log_in().deliver(HEADER + b"a\0b\r\n.\r\n").startswith("554 5.6.0")
        assert client.deliver(CLEAN).startswith("250 ")


def test_what_was_sent_in_clear_behind_starttls_is_never_obeyed(relay: RunningRelay) -> None:
    injected = b"EHLO evil.example\r\nRSET\r\nNOOP\r\n"
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"STARTTLS\r\n" + injected[:-2]).startswith("220 2.0.0")
        with any_certificate().wrap_socket(client.sock) as secured:
            client.sock = secured
            # No reply to the injected lines, and nothing they said is known.
            assert client.ask(b"MAIL FROM:<me@example.org>").startswith("503 5.5.1 Send EHLO")


def test_a_login_in_clear_is_forgotten_by_starttls(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.ask(b"STARTTLS")
        with any_certificate().wrap_socket(client.sock) as secured:
            client.sock = secured
            client.ask(b"EHLO client.example")
            assert client.ask(b"MAIL FROM:<me@example.org>").startswith("530 5.7.0")


def test_starttls_twice_is_refused(relay: RunningRelay) -> None:
    with relay.raw(tls="smtp.neutral.example") as client:
        client.greet()
        assert client.ask(b"STARTTLS").startswith("503 5.5.1")


def test_a_broken_handshake_ends_the_connection(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.greet()
        client.ask(b"STARTTLS")
        client.send(b"this is not a handshake\r\n")
        client.sock.recv(100)
        assert client.sock.recv(100) == b""


@pytest.mark.parametrize("octet", [b"\0", b"\x01", b"\x08", b"\t", b"\x1b", b"\x7f", b"\r", b"\xff"])
@pytest.mark.parametrize("command", [b"NOOP %s", b"MAIL FROM:<me%s@example.org>", b"EHLO a%sb"])
def test_control_characters_in_commands_are_refused(
    relay: RunningRelay, command: bytes, octet: bytes
) -> None:
    with relay.raw() as client:
        client.log_in()
        assert client.ask(command % octet).startswith("500 5.5.2")


def test_text_beyond_ascii_is_refused_outside_addresses(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        assert client.ask("NOOP é".encode()).startswith("500 5.5.2")
        assert client.ask("EHLO é.example".encode()).startswith("500 5.5.2")


def test_a_bare_lf_ends_no_command(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.greet()
        client.send(b"NOOP\nNOOP\r\n")
        assert [client.reply()[:9], client.reply()[:9]] == ["500 5.5.2", "250 2.0.0"]


@pytest.mark.parametrize("size", [513, 5_000, 100_000, 1_000_000])
def test_an_overlong_command_is_refused_and_the_next_one_obeyed(relay: RunningRelay, size: int) -> None:
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"NOOP " + b"x" * size).startswith("500 5.5.2")
        assert client.ask(b"NOOP") == "250 2.0.0 OK"


def test_the_longest_commands_of_the_standard_are_obeyed(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        assert client.ask(b"NOOP " + b"x" * 505) == "250 2.0.0 OK"
        assert client.ask(b"MAIL FROM:<me@example.org> AUTH=" + b"x" * 498).startswith("250 2.1.0")


def test_an_oversized_auth_line_is_refused(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"AUTH PLAIN " + b"A" * 12_300)[:3] == "500"
        assert client.ask(b"AUTH LOGIN").startswith("334 ")
        assert client.ask(b"A" * 13_000).startswith("500 5.5.6")
        assert client.auth().startswith("235 ")


def test_a_mail_loop_is_cut(start_relay) -> None:
    relay = start_relay(relay_max_hops=5)
    with relay.raw() as client:
        client.log_in()
        assert client.deliver(b"Received: x\r\n" * 5 + CLEAN).startswith("250 ")
        assert client.deliver(b"Received: x\r\n" * 6 + CLEAN).startswith("554 5.4.6")


def test_a_message_over_the_limit_is_read_through_and_refused(start_relay) -> None:
    relay = start_relay(relay_max_message_bytes=2_000)
    with relay.raw() as client:
        client.log_in()
        assert client.deliver(HEADER + b"x" * 70 * 30_000 + b"\r\n.\r\n").startswith("552 5.3.4")
        assert client.deliver(CLEAN).startswith("250 ")


@pytest.mark.parametrize(("size", "expected"), [(2_000, "250 "), (2_001, "552 5.3.4")])
def test_the_limit_of_size_is_exact(start_relay, size: int, expected: str) -> None:
    relay = start_relay(relay_max_message_bytes=2_000)
    with relay.raw() as client:
        body = HEADER + b"x" * (size - len(HEADER) - 2) + b"\r\n"
        assert client.log_in().deliver(body + b".\r\n").startswith(expected)


def test_mail_beyond_the_memory_of_the_process_is_put_off(start_relay) -> None:
    relay = start_relay(relay_memory_bytes=10_000)
    with relay.raw() as client:
        client.log_in()
        assert client.deliver(HEADER + b"x" * 20_000 + b"\r\n.\r\n").startswith("452 4.3.1")
        for _ in range(20):  # what is done with counts no longer
            assert client.deliver(HEADER + b"x" * 2_000 + b"\r\n.\r\n").startswith("250 ")


def test_lines_over_998_octets_are_taken(relay: RunningRelay) -> None:
    with relay.raw() as client:
        assert client.log_in().deliver(HEADER + b"x" * 100_000 + b"\r\n.\r\n").startswith("250 ")


def test_too_many_errors_end_the_session(start_relay) -> None:
    relay = start_relay(relay_max_errors=3)
    with relay.raw() as client:
        client.greet()
        client.send(b"WHAT\r\n" * 10)
        assert [client.reply()[:9] for _ in range(5)] == ["500 5.5.2"] * 4 + ["421 4.7.0"]
        assert client.closed


def test_too_many_commands_without_a_message_end_the_session(start_relay) -> None:
    relay = start_relay(relay_max_commands=100)
    with relay.raw() as client:
        client.log_in()  # two commands
        client.send(b"NOOP\r\n" * 99)
        assert [client.reply()[:3] for _ in range(99)] == ["250"] * 98 + ["421"]
        assert client.closed


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"POST / HTTP/1.1", b"Host: smtp.agency.example"])
def test_a_browser_is_hung_up_on(relay: RunningRelay, line: bytes) -> None:
    with relay.raw() as client:
        client.reply()
        client.send(line + b"\r\nUser-Agent: x\r\n\r\nMAIL FROM:<x@example.org>\r\n")
        assert client.closed


def test_tls_where_starttls_belongs_is_hung_up_on_at_once(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.reply()
        client.send(b"\x16\x03\x01\x02\x00\x01\x00")
        assert client.closed


def test_a_silent_client_is_sent_away(start_relay) -> None:
    relay = start_relay(relay_idle_seconds=1)
    with relay.raw() as client:
        client.greet()
        assert client.reply().startswith("421 4.4.2")
        assert client.closed


def test_octets_without_a_command_keep_no_session_open(start_relay) -> None:
    relay = start_relay(relay_idle_seconds=1)
    with relay.raw() as client:
        client.reply()
        began = time.monotonic()
        while time.monotonic() - began < 5:
            try:
                client.send(b"x")
            except OSError:
                break
            time.sleep(0.1)
        assert time.monotonic() - began < 5


def test_a_session_lasts_no_longer_than_set(start_relay, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = start_relay(relay_session_seconds=10)
    with relay.raw() as client:
        client.greet()
        for session in relay.relay._services.sessions:
            session.began -= 60
        assert client.reply().startswith("421 4.4.2")


def test_a_client_that_reads_no_replies_is_cut_off(start_relay) -> None:
    relay = start_relay(relay_idle_seconds=1, relay_max_commands=10_000_000)
    with relay.raw() as client:
        client.greet()
        client.sock.settimeout(0.5)
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - began < 30:
                try:
                    client.send(b"HELP\r\n" * 1_000)
                except TimeoutError:
                    continue
        assert time.monotonic() - began < 30


def test_a_client_gone_in_the_middle_of_a_message_leaves_nothing(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in().begin()
        client.send(HEADER + b"half a message")
    relay.stop()
    assert relay.door.messages == []
    assert relay.relay._services.memory.held == 0


def test_a_fault_inside_a_command_is_temporary_and_shows_nothing(relay: RunningRelay) -> None:
    relay.door.route_fault = ZeroDivisionError("secret detail")
    with relay.raw() as client:
        client.greet()
        assert client.auth() == "451 4.3.0 Temporary fault, please try again later"
        assert client.ask(b"NOOP") == "250 2.0.0 OK"


def test_no_reply_names_the_platform_or_its_software(relay: RunningRelay) -> None:
    commands = [b"HELP", b"EHLO x", b"HELO x", b"WHAT", b"VRFY x", b"EXPN x", b"RSET", b"STARTTLS x", b"QUIT"]
    with relay.raw() as client:
        said = client.reply() + "".join(client.ask(command) for command in commands)
    assert not any(word in said.lower() for word in ("frankpost", "python", "aiosmtpd"))


def test_the_secret_is_in_no_log(relay: RunningRelay, capfd: pytest.CaptureFixture[str]) -> None:
    with relay.raw() as client:
        client.log_in()
        client.ask(b"AUTH PLAIN " + b64encode(f"\0anna\0{SECRET}".encode()))
    with relay.raw() as client:
        client.greet()
        client.auth(secret="wrong-but-nearly-right")
    captured = capfd.readouterr()
    assert SECRET not in captured.out + captured.err
    assert "nearly-right" not in captured.out + captured.err
