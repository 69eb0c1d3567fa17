"""The world's mail server: takes all, and remembers for which recipient of which message it said 250, and when."""

import asyncio
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from platform_dev.ports import LOOPBACK, free_port

_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>\r\n]+>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Arrival:
    """One 250: `at` of `time.monotonic()`."""

    message_id: str
    mail_from: str
    rcpt_to: str
    helo: str
    at: float
    raw: bytes


class CountingSink:
    """A context manager. `delay`: seconds it thinks about each message; `refuses`: with what, while it is set."""

    def __init__(self) -> None:
        self.port = free_port()
        self.arrivals: list[Arrival] = []
        self.delay = 0.0
        self.refuses = ""

    def __enter__(self) -> Self:
        self._controller = Controller(
            self, hostname=LOOPBACK, port=self.port, server_hostname="mx.world.example", data_size_limit=0
        )
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook."""
        await asyncio.sleep(self.delay)
        if self.refuses:
            return self.refuses
        raw = bytes(envelope.original_content or b"")
        found = _MESSAGE_ID.search(raw)
        message_id = found[1].decode() if found else ""
        now = time.monotonic()
        mail_from, helo = envelope.mail_from or "", session.host_name or ""
        self.arrivals += [
            Arrival(message_id, mail_from, rcpt_to, helo, now, raw) for rcpt_to in envelope.rcpt_tos
        ]
        return "250 2.0.0 taken"

    @property
    def counts(self) -> "Counter[str]":
        """How often each message came, by its Message-ID."""
        return Counter(arrival.message_id for arrival in list(self.arrivals))

    def doubled(self, message_ids: set[str]) -> dict[str, list[float]]:
        """Of these, those that came more than once, and when."""
        times: dict[str, list[float]] = defaultdict(list)
        for arrival in list(self.arrivals):
            if arrival.message_id in message_ids:
                times[arrival.message_id].append(arrival.at)
        return {message_id: found for message_id, found in times.items() if len(found) > 1}
