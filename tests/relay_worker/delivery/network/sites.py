"""Simulated mail servers: how fast they are, how they fail, and what they have seen of us."""

import asyncio
import random
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import cast

from tests.relay_worker.delivery.network.wire import Wire

NEVER = 1e9  # seconds
DROP = "<drop>"


@dataclass
class Site:
    """One server. All times in seconds: `latency` one way, `think` over each message, `tarpit` before each reply.

    `connections`: more of them get a 421. `per_minute`: after so many messages MAIL is answered by `over`. `faults`: by verb (FINAL: after the dot) the share of replies that are
    this one instead; DROP closes. With a fault at FINAL it keeps nothing of the message.
    """

    latency: float = 0.02
    think: float = 0.1
    tarpit: float = 0.0
    connections: int = 10_000
    per_minute: int | None = None
    over: str = ""
    faults: dict[str, tuple[float, str]] = field(default_factory=dict)
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    taken: Counter[str] = field(default_factory=Counter)
    taken_at: list[float] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)
    opened_at: list[float] = field(default_factory=list)
    crowd: list[tuple[float, int]] = field(default_factory=list)
    from_addresses: set[str] = field(default_factory=set)
    open_now: int = 0
    most_open: int = 0
    most_messages: int = 0

    def open(self, source: str, address: str) -> Wire:
        """A connection to it; the client's end."""
        client, server = Wire.pair(self.latency, source, address)
        self.from_addresses.add(source)
        self.opened_at.append(asyncio.get_running_loop().time())
        server.attach(_Session(self))
        return client

    def busiest(self, seconds: float) -> int:
        """The most connections that came within any so many seconds."""
        return most_within(seconds, self.opened_at)

    def fault(self, verb: str) -> str:
        if verb == "MAIL" and self.per_minute is not None:
            now = asyncio.get_running_loop().time()
            if len(self.taken_at) - bisect_left(self.taken_at, now - 60) >= self.per_minute:
                self.refused_at.append(now)
                return self.over
        share, reply = self.faults.get(verb, (0.0, ""))
        return reply if share and self.rng.random() < share else ""


def most_within(seconds: float, times: list[float]) -> int:
    """How many of these came at most within so many seconds."""
    return max((bisect_left(times, at + seconds) - n for n, at in enumerate(times)), default=0)


class _Session(asyncio.Protocol):
    """One connection, seen from the server."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._rcpt: list[str] = []
        self._in_message = False
        self._messages = 0
        self._unsaid: deque[str] = deque()
        self._free_at = 0.0  # until then it is busy with what came before

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(Wire, transport)
        self._site.open_now += 1
        self._site.crowd.append((self._loop.time(), self._site.open_now))
        self._site.most_open = max(self._site.most_open, self._site.open_now)
        crowded = self._site.open_now > self._site.connections
        self._say("GREETING", "421 4.7.0 too many connections from you" if crowded else "220 site")

    def connection_lost(self, error: Exception | None) -> None:
        self._site.open_now -= 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, end, rest = self._buffer.partition(b"\r\n.\r\n" if self._in_message else b"\r\n")
            if not end:
                return
            self._buffer = rest
            if self._in_message:
                self._message()
            else:
                self._command(head.decode())

    def _command(self, line: str) -> None:
        verb = line[:4].upper()
        if verb == "EHLO":
            self._say(verb, "250-site\r\n250 PIPELINING")
        elif verb == "RCPT":
            if self._say(verb, "250 2.1.5 ok").startswith("250"):
                self._rcpt.append(line.partition("<")[2].rpartition(">")[0])
        elif verb == "DATA":
            said = self._say(verb, "354 go on" if self._rcpt else "554 5.5.1 no valid recipients")
            self._in_message = said.startswith("354")
        elif verb == "QUIT":
            self._say(verb, "221 2.0.0 bye" + DROP)
        else:
            self._rcpt = []
            self._say(verb, "250 2.0.0 ok")

    def _message(self) -> None:
        self._in_message = False
        self._messages += 1
        self._site.most_messages = max(self._site.most_messages, self._messages)
        if self._say("FINAL", "250 2.0.0 taken", self._site.think).startswith("250"):
            self._site.taken.update(self._rcpt)
            self._site.taken_at.append(self._loop.time())
        self._rcpt = []

    def _say(self, verb: str, otherwise: str, seconds: float = 0.0) -> str:
        """Reply when it is done with all before, after its own time; the reply."""
        reply = self._site.fault(verb) or otherwise
        now = self._loop.time()
        self._free_at = max(now, self._free_at) + seconds + self._site.tarpit
        self._unsaid.append(reply)
        if self._free_at > now:
            self._loop.call_at(self._free_at, self._utter)
        else:
            self._utter()
        return reply

    def _utter(self) -> None:
        """Equal timers fire in any order, so what is said is always the first that was to be."""
        reply = self._unsaid.popleft()
        words = reply.removesuffix(DROP)
        if words:
            self._wire.write(words.encode() + b"\r\n")
        if reply.endswith(DROP) or words.startswith("421"):
            self._wire.abort()
