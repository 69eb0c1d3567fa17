"""The clients: `python -m benchmarks.load`, told on standard input what to send; prints what it measured as JSON."""

import asyncio
import json
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import uvloop

MESSAGE_BYTES = 10_240
DESTINATIONS = 50
_LINE = b"The quick brown fox jumps over the lazy dog, and so on to the end of the line.\r\n"


@dataclass(frozen=True, slots=True)
class Order:
    """What to send: `messages` over `connections`, `session_messages` in each session, which logs in as one of `logins` (user name, secret, sender)."""

    port: int
    connections: int
    messages: int
    session_messages: int
    logins: list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Report:
    """`seconds` from the first connection to the last 250; latencies from DATA to 250, in milliseconds."""

    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int


@dataclass(slots=True)
class Tally:
    """What the sessions have met so far. Latencies in milliseconds."""

    latencies: list[float] = field(default_factory=list)
    refusals: list[bytes] = field(default_factory=list)


async def send_all(order: Order) -> Report:
    """As many sessions as it takes, `connections` of them at a time, each as the next login in turn."""
    tally = Tally()
    sessions = iter(range(0, order.messages, order.session_messages))
    started = time.perf_counter()
    await asyncio.gather(*(_sessions(order, sessions, tally) for _ in range(order.connections)))
    seconds = time.perf_counter() - started
    tally.latencies.sort()
    for answer in tally.refusals[:1]:
        sys.stderr.write(f"refused: {answer!r}\n")
    return Report(
        seconds, _percentile(tally.latencies, 50), _percentile(tally.latencies, 99), len(tally.refusals)
    )


async def _sessions(order: Order, sessions: Iterator[int], tally: Tally) -> None:
    for first in sessions:
        login = order.logins[first // order.session_messages % len(order.logins)]
        await _session(order, login, range(first, min(first + order.session_messages, order.messages)), tally)


async def _session(order: Order, login: tuple[str, str, str], numbers: range, tally: Tally) -> None:
    user_name, secret, mail_from = login
    reader, writer = await asyncio.open_connection("127.0.0.1", order.port)
    await reader.readline()
    writer.write(b"EHLO client.example\r\n")
    while not (await reader.readline()).startswith(b"250 "):
        pass
    writer.write(b"AUTH PLAIN " + b64encode(f"\0{user_name}\0{secret}".encode()) + b"\r\n")
    tally.refusals += [answer for answer in [await reader.readline()] if not answer.startswith(b"235")]
    for number in numbers:
        # Envelope in one write, as pipelining clients do; the message when it is asked for.
        rcpt_to = f"user{number}@domain-{number % DESTINATIONS}.example"
        writer.write(f"MAIL FROM:<{mail_from}>\r\nRCPT TO:<{rcpt_to}>\r\nDATA\r\n".encode())
        replies = [await reader.readline() for _ in range(3)]
        asked = time.perf_counter()
        writer.write(_message(mail_from, rcpt_to, number))
        replies.append(await reader.readline())
        tally.latencies.append((time.perf_counter() - asked) * 1000)
        if not replies[-1].startswith(b"250"):
            tally.refusals += replies
    writer.write(b"QUIT\r\n")
    await reader.readline()
    writer.close()


def _message(mail_from: str, rcpt_to: str, number: int) -> bytes:
    head = (
        f"From: News <{mail_from}>\r\nTo: {rcpt_to}\r\nSubject: Letter {number}\r\n"
        f"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}.{mail_from}>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    ).encode()
    return head + _LINE * ((MESSAGE_BYTES - len(head)) // len(_LINE)) + b".\r\n"


def _percentile(ordered: list[float], share: int) -> float:
    return ordered[min(len(ordered) * share // 100, len(ordered) - 1)] if ordered else 0.0


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(send_all(Order(**json.load(sys.stdin)))))))
