"""How much CPU the relay takes for one message, beside the stock aiosmtpd handler: `python benchmarks/submission.py`.

The door is a fake that accepts at once, so that the database is left out. Clients run in the parent process over real
sockets; what is counted is the CPU time of the server's process alone, user and system.
"""

import argparse
import asyncio
import logging
import multiprocessing
import resource
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import uvloop
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from platform_core.clock import SystemClock
from platform_core.ids import AccountId, ResellerId, SmtpAccountId
from platform_core.security import SecretVerifier
from platform_core.settings import Settings
from relay_worker.queue.door import Route, SmtpHostname, Submission, Verdict
from relay_worker.submission.listeners import Relay

SECRET_KEY = "only-for-this-benchmark-0123456789"
SECRET = "sesame"
LOGIN = b64encode(f"\0anna\0{SECRET}".encode())


class OpenDoor:
    """Accepts everything and keeps nothing."""

    def __init__(self) -> None:
        self._route = Route(
            user_name="anna",
            reseller_id=ResellerId(1),
            reseller_active=True,
            account_id=AccountId(1),
            account_active=True,
            smtp_account_id=SmtpAccountId(1),
            credential_active=True,
            verifier=SecretVerifier(SECRET_KEY).verifier(SECRET),
            domains=frozenset({"example.org"}),
            smtp_host="smtp.agency.example",
        )

    async def route(self, user_name: str) -> Route | None:
        return self._route

    async def hostnames(self) -> list[SmtpHostname]:
        return []

    async def ingest(self, batch: Sequence[Submission]) -> list[Verdict]:
        return [Verdict.ACCEPTED] * len(batch)


class StockHandler:
    """The least that an aiosmtpd handler can do."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return "250 OK"


async def start_relay() -> tuple[object, int]:
    settings = Settings(
        secret_key=SECRET_KEY,
        database_url="postgresql://unused",
        redis_url="redis://unused",
        relay_bind="127.0.0.1",
        relay_starttls_ports=(0,),
        relay_tls_ports=(),
        relay_allow_plaintext_loopback_auth=True,
        relay_max_connections_per_address=10_000,
        relay_max_connections_per_account=10_000,
    )

    async def ring() -> None:
        pass

    relay = Relay(settings, OpenDoor(), redis=None, ring=ring, clock=SystemClock())
    await relay.start()
    return relay, relay.starttls_ports[0]


async def start_stock() -> tuple[object, int]:
    def session() -> SMTP:
        return SMTP(
            StockHandler(),
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=lambda *_: AuthResult(success=True),
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


def serve(which: str, pipe: Connection) -> None:
    """The server's process: tells its port, then its CPU seconds whenever it is asked."""
    uvloop.run(_serve(which, pipe))


async def _serve(which: str, pipe: Connection) -> None:
    logging.disable()
    _kept, port = await (start_relay() if which == "relay" else start_stock())
    pipe.send(port)
    loop = asyncio.get_running_loop()
    asked: asyncio.Queue[None] = asyncio.Queue()
    loop.add_reader(pipe.fileno(), lambda: (pipe.recv(), asked.put_nowait(None)))
    while True:
        await asked.get()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send(usage.ru_utime + usage.ru_stime)


@dataclass(frozen=True)
class Work:
    """What the clients do in one run."""

    connections: int
    messages: int
    message: bytes


async def read_reply(reader: asyncio.StreamReader, code: bytes) -> None:
    while True:
        line = await reader.readline()
        if line[3:4] != b"-":
            if not line.startswith(code):
                raise RuntimeError(f"unexpected reply: {line!r}")
            return


async def client(port: int, messages: int, message: bytes) -> None:
    """One connection, as an application uses it: a command, its reply, the next command."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await read_reply(reader, b"220")
    for number in range(-2, 4 * messages):
        command, code = _step(number, message)
        writer.write(command)
        await read_reply(reader, code)
    writer.close()


def _step(number: int, message: bytes) -> tuple[bytes, bytes]:
    if number == -2:
        return b"EHLO client.example\r\n", b"250"
    if number == -1:
        return b"AUTH PLAIN " + LOGIN + b"\r\n", b"235"
    match number % 4:
        case 0:
            return b"MAIL FROM:<bounce-%d@example.org> SIZE=%d\r\n" % (number, len(message)), b"250"
        case 1:
            return b"RCPT TO:<someone%d@example.net>\r\n" % number, b"250"
        case 2:
            return b"DATA\r\n", b"354"
        case _:
            return message, b"250"


async def load(port: int, work: Work) -> None:
    each = work.messages // work.connections
    await asyncio.gather(*(client(port, each, work.message) for _ in range(work.connections)))


def measure(which: str, work: Work) -> tuple[float, float]:
    """CPU milliseconds of the server for one message, and messages a second."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(which, there), daemon=True)
    process.start()
    port = here.recv()
    try:
        uvloop.run(load(port, Work(work.connections, work.messages // 10, work.message)))  # warm
        before, began = _cpu(here), time.monotonic()
        uvloop.run(load(port, work))
        used, took = _cpu(here) - before, time.monotonic() - began
    finally:
        process.kill()
        process.join()
    return 1000 * used / work.messages, work.messages / took


def _cpu(pipe: Any) -> float:
    pipe.send(None)
    return float(pipe.recv())


def make_message(size: int) -> bytes:
    header = (
        b"From: Anna <anna@example.org>\r\nTo: someone@example.net\r\nSubject: A figure\r\n"
        b"Date: Sat, 21 Nov 2026 03:59:01 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    line = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n"
    return header + line * (max(0, size - len(header)) // len(line)) + b".\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--bytes", type=int, default=10_240)
    options = parser.parse_args()
    work = Work(options.connections, options.messages, make_message(options.bytes))
    stock, stock_rate = measure("stock", work)
    relay, relay_rate = measure("relay", work)
    print(f"aiosmtpd as it ships: {stock:.3f} CPU ms a message, {stock_rate:,.0f} messages/s")
    print(f"the relay:            {relay:.3f} CPU ms a message, {relay_rate:,.0f} messages/s")
    print(f"relay_cpu_ms_per_message={relay:.3f} stock_cpu_ms_per_message={stock:.3f}")


if __name__ == "__main__":
    main()
