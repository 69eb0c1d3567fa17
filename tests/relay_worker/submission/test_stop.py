"""A relay that stops, in a process of its own or within a test."""

import os
import signal
import subprocess
import sys
import threading
import time

from tests.relay_worker.submission.fakes import SECRET_KEY
from tests.relay_worker.submission.relays import PATIENCE, RunningRelay

CLEAN = b"From: me@example.org\r\n\r\nx\r\n.\r\n"

PROCESS = """
import asyncio
from tests.relay_worker.submission.fakes import FakeDoor
from tests.relay_worker.submission.relays import make_settings
from relay_worker.submission.listeners import run_relay
async def ring(): pass
asyncio.run(run_relay(make_settings(), FakeDoor(), redis=None, ring=ring))
"""


def stopping(relay: RunningRelay) -> threading.Thread:
    thread = threading.Thread(target=relay.stop)
    thread.start()
    return thread


def test_idle_sessions_are_told_and_closed(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        thread = stopping(relay)
        assert client.reply().startswith("421 4.3.2")
        assert client.closed
    thread.join(PATIENCE)


def test_a_running_transaction_comes_to_its_end(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in().begin()
        thread = stopping(relay)
        time.sleep(0.1)
        client.send(CLEAN)
        assert client.reply().startswith("250 2.0.0")
        assert client.reply().startswith("421 4.3.2")
    thread.join(PATIENCE)
    assert len(relay.door.messages) == 1


def test_a_transaction_that_does_not_end_is_cut_after_the_drain_time(start_relay) -> None:
    relay = start_relay(relay_drain_seconds=1)
    with relay.raw() as client:
        client.log_in().begin()
        thread = stopping(relay)
        assert client.reply().startswith("421 4.3.2")
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_message_in_the_database_gets_its_250_though_the_drain_time_is_over(start_relay) -> None:
    relay = start_relay(relay_drain_seconds=1)
    relay.door.delay = 2
    with relay.raw() as client:
        client.log_in().begin()
        client.send(CLEAN)
        time.sleep(0.1)
        thread = stopping(relay)
        assert client.reply().startswith("250 2.0.0")
    thread.join(PATIENCE)


def test_nobody_is_let_in_any_more(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in().begin()
        thread = stopping(relay)
        time.sleep(0.2)
        try:
            with relay.raw() as late:
                assert late.closed
        except ConnectionRefusedError:
            pass
        client.send(CLEAN)
        client.reply()
    thread.join(PATIENCE)


def test_two_relays_share_a_port(start_relay) -> None:
    one = start_relay()
    two = start_relay(relay_starttls_ports=(one.port,))
    assert one.port == two.port


def test_sigterm_ends_the_process_with_0() -> None:
    environment = {**os.environ, "FRANKPOST_SECRET_KEY": SECRET_KEY}
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )
    assert process.stdout is not None
    while b"relay.listening" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    process.stdout.close()
