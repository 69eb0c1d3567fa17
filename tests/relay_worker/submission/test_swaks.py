"""swaks, the tool that customers' administrators test with."""

import shutil
import subprocess

import pytest

from tests.relay_worker.submission.fakes import SECRET
from tests.relay_worker.submission.relays import RunningRelay

pytestmark = pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")


def swaks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        "swaks",
        "--server",
        "127.0.0.1",
        "--to",
        "you@example.net",
        "--from",
        "me@example.org",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def login(mechanism: str) -> list[str]:
    return ["--auth", mechanism, "--auth-user", "anna", "--auth-password", SECRET]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_sends_with_starttls(relay: RunningRelay, mechanism: str) -> None:
    result = swaks("--port", str(relay.port), "--tls", *login(mechanism))
    assert result.returncode == 0, result.stdout
    assert "250 2.0.0 Accepted as" in result.stdout
    assert relay.door.only.tls_version


def test_swaks_sends_with_tls_from_the_first_octet(relay: RunningRelay) -> None:
    result = swaks("--port", str(relay.tls_port), "--tls-on-connect", *login("PLAIN"))
    assert result.returncode == 0, result.stdout


def test_swaks_sends_with_pipelining(relay: RunningRelay) -> None:
    result = swaks("--port", str(relay.port), "--pipeline", "--tls", *login("PLAIN"))
    assert result.returncode == 0, result.stdout


def test_swaks_sends_behind_a_proxy(start_relay) -> None:
    relay = start_relay(relay_proxy_protocol_from=("127.0.0.1/32",))
    proxy = ["--proxy-version", "1", "--proxy-family", "TCP4", "--proxy-source", "192.0.2.7"]
    proxy += ["--proxy-source-port", "40000", "--proxy-dest", "192.0.2.1", "--proxy-dest-port", "587"]
    result = swaks("--port", str(relay.port), "--tls", *proxy, *login("PLAIN"))
    assert result.returncode == 0, result.stdout
    assert relay.door.only.client_address == "192.0.2.7"


def test_swaks_is_told_of_a_wrong_password(relay: RunningRelay) -> None:
    result = swaks("--port", str(relay.port), "--tls", *login("PLAIN")[:-1], "wrong")
    assert result.returncode == 28  # swaks' code for a failed login
    assert "535 5.7.8" in result.stdout
