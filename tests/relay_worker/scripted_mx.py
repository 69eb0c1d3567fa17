"""A receiving mail server on loopback that behaves, or misbehaves, as its script says."""

import asyncio
import contextlib
import socket
import ssl
import struct
from dataclasses import dataclass, field
from typing import Self

DROP = "<drop>"  # closes the connection; behind a reply: after that
SILENCE = "<silence>"  # keeps the connection and says nothing; behind a reply: after that
RESET = "<reset>"  # at CONNECT: closes with a TCP reset, before any word
TAKEN = "<taken>"  # at FINAL, before what is done then: the message is kept, though nobody hears of it


@dataclass
class Script:
    """What the server says. `replies` by verb, with CONNECT, GREETING, BODY (before the dot) and FINAL (after it) besides.

    A list is used up one reply at a time; then, as without an entry, the verb succeeds. `recipients` goes by address.
    `delays` in seconds, by verb or `*` for every reply; `dribble`: seconds between the octets of a reply.
    `greylist`: the first RCPT of each address is put off. `messages_per_connection`: then 421 at MAIL.
    """

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SIZE 1000000", "SMTPUTF8")
    replies: dict[str, str | list[str]] = field(default_factory=dict)
    recipients: dict[str, str] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    tls_broken: bool = False
    max_recipients: int = 1000
    dribble: float = 0.0
    greylist: bool = False
    messages_per_connection: int | None = None

    def delay(self, verb: str) -> float:
        return self.delays.get(verb, self.delays.get("*", 0.0))

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
        self.peers: list[str] = []  # the addresses that connections came from
        self.connections = 0
        self.open_now = 0
        self.most_open = 0
        self.greylisted: set[str] = set()
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
        self.peers.append(writer.get_extra_info("peername")[0])
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
        self._messages = 0

    async def converse(self) -> None:
        if self._mx.script.reply("CONNECT", "") == RESET:
            self._reset()
        await self._say("GREETING", "220 mx.test ESMTP")
        while line := await self._reader.readline():
            command = line.decode("utf-8").rstrip("\r\n")
            self._mx.commands.append(command)
            verb = command.split(" ")[0].split(":")[0].upper()
            handler = getattr(self, f"say_{verb.lower()}", None)
            if self._spoken_over():
                await self._say("PIPELINED", "503 5.5.0 pipelining was not offered" + DROP)
            elif handler is None:
                await self._say(verb, "500 5.5.2 unknown")
            else:
                await handler(verb, command)

    def _spoken_over(self) -> bool:
        """True when more than one command came and PIPELINING (RFC 2920) is not on offer."""
        # asyncio has no public way to see what has arrived and was not read yet.
        return "PIPELINING" not in self._mx.script.extensions and bool(self._reader._buffer)  # type: ignore[attr-defined]

    def _reset(self) -> None:
        """Close so that the client's system gets an RST: lingering for 0 seconds does that."""
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        raise _Dropped

    async def _say(self, verb: str, otherwise: str) -> str:
        return await self._utter(await self._choose(verb, otherwise))

    async def _choose(self, verb: str, otherwise: str) -> str:
        await asyncio.sleep(self._mx.script.delay(verb))
        return self._mx.script.reply(verb, otherwise)

    async def _utter(self, reply: str) -> str:
        """Do as the reply says; the words of it."""
        words = reply.removeprefix(TAKEN).removesuffix(DROP).removesuffix(SILENCE)
        if words:
            await self._write(words.encode("utf-8", "surrogateescape") + b"\r\n")
        if reply.endswith(DROP) or words.startswith("421"):
            raise _Dropped
        if reply.endswith(SILENCE):
            await asyncio.sleep(3600)
        return words

    async def _write(self, line: bytes) -> None:
        step = 1 if self._mx.script.dribble else len(line)
        for start in range(0, len(line), step):
            self._writer.write(line[start : start + step])
            await self._writer.drain()
            await asyncio.sleep(self._mx.script.dribble)

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
        most = self._mx.script.messages_per_connection
        if most is not None and self._messages >= most:
            await self._utter("421 4.7.0 too many messages in this connection")
        await self._say(verb, "250 2.1.0 ok")

    async def say_rcpt(self, _: str, command: str) -> None:
        address = command.partition("<")[2].rpartition(">")[0]
        if len(self._rcpt) >= self._mx.script.max_recipients:
            await self._say("RCPT", "452 4.5.3 too many recipients")
            return
        if self._mx.script.greylist and address not in self._mx.greylisted:
            self._mx.greylisted.add(address)
            await self._utter("451 4.7.1 greylisted, come back in some minutes")
            return
        reply = await self._say("RCPT", self._mx.script.recipients.get(address, "250 2.1.5 ok"))
        if reply.startswith(("250", "251")):
            self._rcpt.append(address)

    async def say_data(self, verb: str, _: str) -> None:
        reply = await self._say(verb, "354 go on" if self._rcpt else "554 5.5.1 no valid recipients")
        if reply.startswith("354"):
            await self._take(await self._content())
        self._rcpt = []

    async def _take(self, content: bytes) -> None:
        reply = await self._choose("FINAL", "250 2.0.0 taken" if self._rcpt else "554 5.5.1 no recipients")
        if reply.startswith(("250", TAKEN)):
            self._messages += 1
            self._mx.delivered.append(
                Delivered(self._mail_command, tuple(self._rcpt), content, self._tls_version())
            )
        await self._utter(reply)

    async def _content(self) -> bytes:
        lines = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                raise _Dropped
            if "BODY" in self._mx.script.replies:
                await self._say("BODY", "")
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
