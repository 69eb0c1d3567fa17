"""AUTH: mechanisms, refusals, and how guesses are slowed."""

from base64 import b64encode

import pytest

from platform_core.errors import Unavailable
from tests.relay_worker.submission.fakes import SECRET, make_route
from tests.relay_worker.submission.relays import RunningRelay


def b64(text: str) -> bytes:
    return b64encode(text.encode())


def test_plain_with_a_challenge_logs_in(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"AUTH PLAIN") == "334 "
        assert client.ask(b64(f"\0anna\0{SECRET}")) == "235 2.7.0 Logged in"


def test_plain_may_name_the_same_user_twice(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"auth plain " + b64(f"anna\0anna\0{SECRET}")).startswith("235 ")


def test_plain_may_not_act_for_another_user(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"AUTH PLAIN " + b64(f"bert\0anna\0{SECRET}")).startswith("535 5.7.8")


@pytest.mark.parametrize("initial", [b"", b" " + b64("anna")])
def test_login_asks_for_what_it_lacks(relay: RunningRelay, initial: bytes) -> None:
    with relay.raw() as client:
        client.greet()
        reply = client.ask(b"AUTH LOGIN" + initial)
        if not initial:
            assert reply == "334 VXNlcm5hbWU6"
            reply = client.ask(b64("anna"))
        assert reply == "334 UGFzc3dvcmQ6"
        assert client.ask(b64(SECRET)).startswith("235 ")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (b"*", "501 5.7.0"),
        (b"not base64!", "501 5.5.2"),
        (b64("no separators"), "501 5.5.2"),
        (b64("a\0b\0c\0d"), "501 5.5.2"),
        (b64encode(b"\0\xff\0\xff"), "501 5.5.2"),
        (b"=", "501 5.5.2"),
        (b"", "501 5.5.2"),
        (b64(f"\0nobody\0{SECRET}"), "535 5.7.8"),
        (b64("\0anna\0wrong"), "535 5.7.8"),
        (b64("\0anna\0"), "535 5.7.8"),
        (b64(f"\0\0{SECRET}"), "535 5.7.8"),
        (b64(f"\0an\nna\0{SECRET}"), "535 5.7.8"),
        (b64("\0" + "x" * 256 + f"\0{SECRET}"), "535 5.7.8"),
    ],
)
def test_a_wrong_response_is_refused_and_another_try_allowed(
    relay: RunningRelay, response: bytes, expected: str
) -> None:
    with relay.raw() as client:
        client.greet()
        client.ask(b"AUTH PLAIN")
        assert client.ask(response).startswith(expected)
        assert client.auth().startswith("235 ")


def test_an_initial_response_may_be_empty(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"AUTH LOGIN =") == "334 UGFzc3dvcmQ6"
        assert client.ask(b64(SECRET)).startswith("535 5.7.8")


def test_a_second_login_is_refused(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        assert client.auth().startswith("503 5.5.1")
        client.ask(b"MAIL FROM:<me@example.org>")
        assert client.auth().startswith("503 5.5.1")


def test_login_in_clear_is_refused(start_relay) -> None:
    relay = start_relay(relay_allow_plaintext_loopback_auth=False)
    with relay.raw() as client:
        client.greet()
        assert client.auth().startswith("538 5.7.11")
        assert client.ask(b"MAIL FROM:<me@example.org>").startswith("530 5.7.0 Start TLS")


def test_login_needs_ehlo(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.reply()
        client.ask(b"HELO client.example")
        assert client.auth().startswith("503 5.5.1")


@pytest.mark.parametrize("suspended", ["reseller_active", "account_active", "credential_active"])
def test_each_suspension_has_its_own_reply(relay: RunningRelay, suspended: str) -> None:
    relay.door.routes["anna"] = make_route(**{suspended: False})
    expected = {"reseller_active": "550", "account_active": "525", "credential_active": "535"}
    with relay.raw() as client:
        client.greet()
        assert client.auth().startswith(f"{expected[suspended]} 5.7.13")


def test_a_suspension_is_told_to_its_owner_alone(relay: RunningRelay) -> None:
    relay.door.routes["anna"] = make_route(account_active=False)
    with relay.raw() as client:
        client.greet()
        assert client.auth(secret="wrong").startswith("535 5.7.8")


def test_a_database_fault_is_temporary(relay: RunningRelay) -> None:
    relay.door.route_fault = Unavailable("away")
    with relay.raw() as client:
        client.greet()
        assert client.auth().startswith("454 4.7.0")
        relay.door.route_fault = None
        assert client.auth().startswith("235 ")


def test_guesses_from_one_address_are_stopped_whatever_the_user(start_relay) -> None:
    relay = start_relay(relay_max_auth_failures_per_address=3)
    with relay.raw() as client:
        client.greet()
        assert [client.auth(f"user{n}", "wrong")[:3] for n in range(3)] == ["535"] * 3
        assert client.auth().startswith("421 4.7.0")
        assert client.closed


def test_guesses_for_one_user_are_stopped(start_relay) -> None:
    relay = start_relay(relay_max_auth_failures_per_user=2)
    with relay.raw() as client:
        client.greet()
        assert [client.auth(secret="wrong")[:3] for _ in range(2)] == ["535"] * 2
        assert client.auth().startswith("421 4.7.0")


def test_an_attacker_cannot_lock_a_user_out_of_an_address_it_has_used(start_relay) -> None:
    relay = start_relay(relay_max_auth_failures_per_user=2)
    with relay.raw() as client:
        client.log_in()
    with relay.raw() as client:
        client.greet()
        assert [client.auth(secret="wrong")[:3] for _ in range(4)] == ["535"] * 4
        assert client.auth().startswith("235 ")
