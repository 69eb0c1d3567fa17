"""Nameserver and receiving mail server as processes of their own, the way the demo runs them."""

import io
import smtplib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import pytest

from platform_dev.manager import Command, ProcessManager
from platform_dev.ports import free_port, is_free
from platform_dev.sink import Mailbox


@pytest.fixture
def manager() -> Iterator[ProcessManager]:
    with ProcessManager(output=io.StringIO()) as running:
        yield running


def start(manager: ProcessManager, module: str, port: int, *options: str) -> None:
    """Returns when something listens on `port`. Raises ProcessEnded when the process did not get that far."""
    command = (sys.executable, "-m", f"platform_dev.{module}", "--port", str(port), *options)
    manager.start(Command(module, command))
    while is_free(port):
        manager.look()
        time.sleep(0.05)


def test_the_nameserver_answers_from_its_zone_file(manager: ProcessManager, tmp_path: Path) -> None:
    zone, port = tmp_path / "zone", free_port()
    zone.write_text("agency.localhost. 60 IN A 127.0.0.1\n")
    start(manager, "nameserver", port, "--zone", str(zone))
    query = dns.message.make_query("agency.localhost", "A")
    response = dns.query.udp(query, "127.0.0.1", port=port, timeout=10)
    assert response.answer[0][0].to_text() == "127.0.0.1"


def test_the_mail_server_takes_a_message_over_tls(manager: ProcessManager, tmp_path: Path) -> None:
    port = free_port()
    start(
        manager, "sink", port, "--folder", str(tmp_path / "mail"), "--authority", str(tmp_path / "authority")
    )
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.starttls()
        client.sendmail("a@example.test", ["b@example.net"], "Subject: hello\r\n\r\nhello\r\n")
    (letter,) = Mailbox(tmp_path / "mail").letters()
    assert (letter.rcpt_to, letter.tls) == (("b@example.net",), "TLSv1.3")
