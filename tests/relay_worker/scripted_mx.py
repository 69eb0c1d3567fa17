"""A receiving mail server on loopback that behaves, or misbehaves, as its script says."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from typing import Self

DROP = "<drop>"  # closes the connection instead of replying
SILENCE = "<silence>"  # keeps the connection and says nothing


@dataclass
class Script:
    """What the server says. `replies` by verb, with GREETING, BODY (before the dot) and FINAL (after it) besides.

    A list is used up one reply at a time; then, as without an entry, the verb succeeds. `recipients` goes by address.
    """

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SIZE 1000000", "SMTPUTF8")
    replies: dict[str, str | list[str]] = field(default_factory=dict)
    recipients: dict[str, str] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    tls_broken: bool = False
    max_recipients: int = 1000

    def reply(self, verb: str, otherwise: str) -> str:
        scripted = self.replies.get(verb, otherwise)
        if isinstance(scripted, list):
            return scripted.pop(0) if scripted else otherwise
        return scripted


@dataclass(frozen=True)
class Delivered:
    """A message taken with 250, dots unstuffed, without the final one. `tls`: version or ""."""

    mail_command: str
    rcpt_to: tuple[str, ...]
    content: bytes
    tls: str


class ScriptedMx:
    """`async with ScriptedMx(Script(...)) as mx`: listens on mx.port until the block ends."""

    def __init__(self, script: Script | None = None, address: str = "127.0.0.1") -> None:
        self.script = script or Script()
        self.address = address
        self.delivered: list[Delivered] = []
        self.commands: list[str] = []
        self.connections = 0
        self.open_now = 0
        self.most_open = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.address, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def verbs(self) -> list[str]:
        return [command.split(" ")[0].split(":")[0].upper() for command in self.commands]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await _Session(self, reader, writer).converse()
        finally:
            self.open_now -= 1
            self._tasks.discard(task)
            writer.transport.abort()


class _Dropped(ConnectionError):
    """The script wants the connection closed."""


class _Session:
    """One connection."""

    def __init__(self, mx: ScriptedMx, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._mx = mx
        self._reader = reader
        self._writer = writer
        self._mail_command = ""
        self._rcpt: list[str] = []

    async def converse(self) -> None:
        await self._say("GREETING", "220 mx.test ESMTP")
        while line := await self._reader.readline():
            command = line.decode("utf-8").rstrip("\r\n")
            self._mx.commands.append(command)
            verb = command.split(" ")[0].split(":")[0].upper()
            handler = getattr(self, f"say_{verb.lower()}", None)
            if handler is None:
                await self._say(verb, "500 5.5.2 unknown")
            else:
                await handler(verb, command)

    async def _say(self, verb: str, otherwise: str) -> str:
        if verb in self._mx.script.delays:
            await asyncio.sleep(self._mx.script.delays[verb])
        reply = self._mx.script.reply(verb, otherwise)
        if reply == DROP:
            raise _Dropped
        if reply == SILENCE:
            await asyncio.sleep(3600)
        self._writer.write(reply.encode("utf-8", "surrogateescape") + b"\r\n")
        await self._writer.drain()
        if reply.startswith("421"):
            raise _Dropped
        return reply

    async def say_ehlo(self, verb: str, _: str) -> None:
        offered = list(self._mx.script.extensions)
        if (self._mx.script.tls or self._mx.script.tls_broken) and not self._tls_version():
            offered.append("STARTTLS")
        lines = ["mx.test greets you", *offered]
        await self._say(verb, "\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    async def say_helo(self, verb: str, _: str) -> None:
        await self._say(verb, "250 mx.test")

    async def say_starttls(self, verb: str, _: str) -> None:
        reply = await self._say(verb, "220 2.0.0 go ahead")
        if self._mx.script.tls_broken:
            self._writer.write(b"this is no TLS at all, and long enough to be seen as such\r\n" * 4)
        elif self._mx.script.tls and reply.startswith("220"):
            await self._writer.start_tls(self._mx.script.tls)

    async def say_mail(self, verb: str, command: str) -> None:
        self._mail_command = command
        self._rcpt = []
        await self._say(verb, "250 2.1.0 ok")

    async def say_rcpt(self, _: str, command: str) -> None:
        address = command.partition("<")[2].rpartition(">")[0]
        if len(self._rcpt) >= self._mx.script.max_recipients:
            await self._say("RCPT", "452 4.5.3 too many recipients")
            return
        reply = await self._say("RCPT", self._mx.script.recipients.get(address, "250 2.1.5 ok"))
        if reply.startswith("250"):
            self._rcpt.append(address)

    async def say_data(self, verb: str, _: str) -> None:
        reply = await self._say(verb, "354 go on" if self._rcpt else "554 5.5.1 no valid recipients")
        if reply.startswith("354"):
            content = await self._content()
            reply = await self._say("FINAL", "250 2.0.0 taken" if self._rcpt else "554 5.5.1 no recipients")
            if reply.startswith("250"):
                self._mx.delivered.append(
                    Delivered(self._mail_command, tuple(self._rcpt), content, self._tls_version())
                )
        self._rcpt = []

    async def _content(self) -> bytes:
        lines = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line or self._mx.script.replies.get("BODY") == DROP:
                raise _Dropped
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    async def say_rset(self, verb: str, _: str) -> None:
        self._rcpt = []
        await self._say(verb, "250 2.0.0 reset")

    async def say_quit(self, verb: str, _: str) -> None:
        await self._say(verb, "221 2.0.0 bye")
        raise _Dropped

    def _tls_version(self) -> str:
        secured = self._writer.get_extra_info("ssl_object")
        return secured.version() if secured else ""
