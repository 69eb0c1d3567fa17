"""The demo itself: it brings all up, proves one message, says where everything is, and names what keeps it from that."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_dev.ports import free_port
from platform_dev.sink import Mailbox


@pytest.fixture
def environment(server_folder: Path) -> Iterator[dict[str, str]]:
    """On free ports, with servers of its own, in a folder of its own."""
    ours = ("FRANKPOST_", "DATABASE_", "REDIS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    yield inherited | {
        "FRANKPOST_VAR_DIR": str(server_folder / "demo"),
        "FRANKPOST_WEB_PORT": str(free_port()),
        "FRANKPOST_RELAY_STARTTLS_PORTS": f"{free_port()},{free_port()}",
        "FRANKPOST_RELAY_TLS_PORTS": str(free_port()),
    }


def demo(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "platform_dev.demo", "--once"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)


def test_it_delivers_one_signed_message_and_says_where_all_is(environment: dict[str, str]) -> None:
    done = demo(environment)
    assert done.returncode == 0, done.stdout + done.stderr
    path = Path(environment["FRANKPOST_VAR_DIR"]) / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    report = json.loads(path.read_text())
    smtp = report["smtp"]
    assert ",".join(map(str, smtp["starttls_ports"])) == environment["FRANKPOST_RELAY_STARTTLS_PORTS"]
    assert all(smtp[name] for name in ("host", "hostname", "username", "password", "mail_from", "rcpt_to"))
    assert Path(smtp["ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE")
    for page in report["portal"], report["console"]:
        assert page["url"].endswith(f":{environment['FRANKPOST_WEB_PORT']}/")
    assert report["console"]["email"] and report["console"]["password"]
    logins = [report["portal"]["agency"], *report["portal"]["customers"]]
    assert len(logins) == 3 and all(login["email"] and login["password"] for login in logins)
    assert set(report["servers"]) == {"DATABASE_URL", "REDIS_URL"}
    mailbox = Path(report["receiving_server"]["mailbox"])
    # Invoices of the month that is over may have come, too.
    [letter] = [one for one in Mailbox(mailbox.parent).letters() if one.rcpt_to == (smtp["rcpt_to"],)]
    assert letter.signed


def test_a_port_that_is_taken_ends_it_with_a_sentence(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = demo(environment | {"FRANKPOST_RELAY_TLS_PORTS": str(port)})
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1, meant for the relay, can't be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "url", "server"),
    [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing", "Postgres"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "Redis"),
    ],
)
def test_a_server_that_does_not_answer_ends_it_with_a_sentence(
    environment: dict[str, str], variable: str, url: str, server: str
) -> None:
    done = demo(environment | {variable: url})
    assert done.returncode == 1
    assert f"{server} at " in done.stderr and "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_wrong_ends_it_with_a_sentence(environment: dict[str, str]) -> None:
    done = demo(environment | {"FRANKPOST_WEB_THREADS": "none"})
    assert done.returncode == 1
    assert "FRANKPOST_WEB_THREADS" in done.stderr and "Traceback" not in done.stderr
