"""One connection to a mail server, from the client's side (RFC 5321, RFC 2920 pipelining, RFC 3207 STARTTLS)."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from typing import cast

from platform_core.mail.replies import Reply
from platform_core.settings import Settings
from relay_worker.delivery.extensions import Extensions, read_extensions
from relay_worker.delivery.replies import ReplyMalformed, ReplyReader
from relay_worker.delivery.timer import LazyTimer
from relay_worker.delivery.tls.contexts import failure_of, peer_chain
from relay_worker.delivery.tls.levels import TlsFailure
from relay_worker.delivery.transaction import Stage

_BLOCK = 262_144  # octets handed to the transport before we wait for it to send some
_QUIT_SECONDS = 5.0

OUT_OF_TURN = Reply(451, "4.5.0", "the server spoke out of turn")


@dataclass(frozen=True, slots=True)
class Manners:
    """How we behave towards every server: the name we say and how long we wait, in seconds."""

    helo: str
    connect_seconds: float
    command_seconds: float
    final_dot_seconds: float

    @classmethod
    def from_settings(cls, settings: Settings) -> "Manners":
        return cls(
            settings.delivery_helo,
            settings.delivery_connect_seconds,
            settings.delivery_command_seconds,
            settings.delivery_final_dot_seconds,
        )


class HandshakeFailed(Exception):
    """The server cannot be used now; `reply` says why, in its words or in ours."""

    def __init__(self, stage: Stage, reply: Reply) -> None:
        super().__init__(reply.line())
        self.stage = stage
        self.reply = reply


class TlsFailed(HandshakeFailed):
    """TLS did not come out as wished; `failure` is how reports call it. In clear the same server may well take mail."""

    def __init__(self, stage: Stage, reply: Reply, failure: TlsFailure = TlsFailure.VALIDATION) -> None:
        super().__init__(stage, reply)
        self.failure = failure


class SmtpClient(asyncio.Protocol):
    """Says commands and collects replies. Once `fault` is set nothing can be said here any more.

    `lost` tells an end that the server left unexplained from every other fault. Faults are replies too: the server's own 421, or one in our words, so that everything a recipient meets
    has a code, an enhanced code and a text.
    """

    def __init__(self, manners: Manners) -> None:
        self._loop = asyncio.get_running_loop()
        self._manners = manners
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = 0
        self._ahead = 0
        self._writable: asyncio.Future[None] | None = None
        self._paused = False
        self._greeted = False
        self._timer = LazyTimer(self._loop, self._time_out)
        self._transport: asyncio.Transport | None = None
        self._closed = asyncio.Event()
        self.fault: Reply | None = None
        self.lost = False
        self.extensions = Extensions()
        self.tls_version = ""
        self.tls_cipher = ""

    # --- handshake ---

    async def greet(self) -> None:
        """Hear the greeting and say EHLO, or HELO to a server that knows only that. Raises HandshakeFailed."""
        greeting = (await self.collect(1, self._manners.command_seconds))[0]
        self._greeted = True
        if greeting.code != 220:
            raise HandshakeFailed(Stage.GREETING, greeting)
        await self._say_hello()

    async def start_tls(self, host: str, context: ssl.SSLContext) -> None:
        """Go on under TLS and say EHLO once more (RFC 3207 4.2). Raises TlsFailed, or HandshakeFailed for what the server
        says under TLS.
        """
        reply = await self.command(b"STARTTLS\r\n")
        if self.fault is not None and reply.code not in (220, 421):
            raise TlsFailed(Stage.EHLO, Reply(454, "4.7.5", f"STARTTLS failed: {reply.text}"))
        if reply.code != 220:
            refusal = Reply(454, "4.7.4", f"STARTTLS was refused: {reply.line()}")
            raise TlsFailed(Stage.EHLO, refusal, TlsFailure.STARTTLS_NOT_SUPPORTED)
        # What came in clear behind the reply may be an attacker's: it must not be read as if it came under TLS.
        if self.fault is not None or self._reader.in_the_middle:
            raise TlsFailed(Stage.EHLO, Reply(454, "4.7.5", "the server spoke in clear after STARTTLS"))
        await self._upgrade(host, context)
        try:
            await self._say_hello()
        except HandshakeFailed as error:
            # With TLS 1.3 we have finished before the server looks at what we sent: it leaves only now when it can't go on.
            if self.fault is None or error.reply.code == 421:
                raise
            reply = Reply(454, "4.7.5", f"TLS failed behind its handshake: {error.reply.text}")
            raise TlsFailed(Stage.EHLO, reply) from error

    async def _upgrade(self, host: str, context: ssl.SSLContext) -> None:
        assert self._transport is not None
        try:
            secured = await self._loop.start_tls(
                self._transport,
                self,
                context,
                server_hostname=host,
                ssl_handshake_timeout=self._manners.connect_seconds,
            )
        except (
            OSError,
            ValueError,
        ) as error:  # ssl.SSLError is an OSError; ValueError: a host name no SNI can carry
            reply = Reply(454, "4.7.5", f"TLS failed: {_words(error)}")
            raise TlsFailed(Stage.EHLO, reply, failure_of(error)) from error
        if secured is None:  # asyncio's answer when the connection ended meanwhile
            raise TlsFailed(Stage.EHLO, self.fault or _lost())
        self._transport = secured
        session = cast(ssl.SSLObject, secured.get_extra_info("ssl_object"))
        self.tls_version = session.version() or ""
        self.tls_cipher = (session.cipher() or ("", "", 0))[0]

    def peer_chain(self) -> list[bytes]:
        """The certificates the server has shown, in DER, its own first; none in clear."""
        if self._transport is None or not self.tls_version:
            return []
        return peer_chain(cast(ssl.SSLObject, self._transport.get_extra_info("ssl_object")))

    async def _say_hello(self) -> None:
        name = self._manners.helo.encode("ascii")
        reply = await self.command(b"EHLO " + name + b"\r\n")
        if reply.permanent:  # RFC 5321 3.2: a server without extensions
            reply = await self.command(b"HELO " + name + b"\r\n")
            self.extensions = Extensions()
        else:
            self.extensions = read_extensions(reply)
        if reply.code != 250:
            raise HandshakeFailed(Stage.EHLO, reply)

    # --- saying and hearing ---

    def write(self, data: bytes) -> None:
        """Hand `data` to the transport; on a connection already gone this does nothing."""
        if self.fault is None and self._transport is not None:
            self._transport.write(data)

    async def write_slowly(self, data: bytes) -> None:
        """Like `write`, for much data: not more is held in memory than the server is about to take."""
        for start in range(0, len(data), _BLOCK):
            self.write(data[start : start + _BLOCK])
            if self._paused and self.fault is None:
                self._writable = self._loop.create_future()
                self._timer.start(self._manners.command_seconds)
                await self._writable
                self._writable = None

    async def command(self, line: bytes) -> Reply:
        """Say one command; its reply, or the fault that kept us from hearing it."""
        self.write(line)
        return (await self.collect(1, self._manners.command_seconds))[0]

    async def collect(self, count: int, seconds: float, *, ahead: int = 0) -> list[Reply]:
        """The next `count` replies. Those that can no longer come are filled with the fault.

        `ahead`: so many more are to come, for what was said already; the next call collects them.
        """
        self._ahead = ahead
        if len(self._replies) < count and self.fault is None:
            self._wanted = count
            self._waiter = self._loop.create_future()
            self._timer.start(seconds)
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._timer.stop()
        replies = [self._replies.popleft() for _ in range(min(count, len(self._replies)))]
        if len(self._replies) > ahead:
            # Else the next command would be judged by a reply that was never its own.
            self._replies.clear()
            self._break(OUT_OF_TURN)
        if self.fault is not None:
            replies += [self.fault] * (count - len(replies))
        return replies

    def quit(self) -> None:
        """Take leave; the connection closes when the server answers, or after 5 seconds."""
        if self.fault is None:
            self.write(b"QUIT\r\n")
            self.fault = _lost()
            self._timer.start(_QUIT_SECONDS)

    async def leave(self) -> None:
        """Take leave, and return when the connection is closed."""
        self.quit()
        await self._closed.wait()

    def abort(self) -> None:
        """Close at once; whoever waits hears a fault."""
        self._break(_lost())

    # --- what the transport tells us ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.fault is not None:
            self._close()
            return
        try:
            self._replies.extend(self._reader.feed(data))
        except ReplyMalformed as error:
            self._break(Reply(451, "4.5.0", f"the server sent {error}"))
            return
        last = self._replies[-1] if self._replies else None
        if last is not None and last.code == 421:  # RFC 5321 3.8: it closes now, whatever we asked
            self._break(last)
        elif self._waiter is not None:
            if len(self._replies) >= self._wanted:
                self._wake()
        elif self._greeted and len(self._replies) > self._ahead:
            self._hear_out_of_turn()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = self.fault is None
        self._break(_lost(error))
        self._timer.close()
        self._closed.set()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._wake_writer()

    def _hear_out_of_turn(self) -> None:
        """A server may refuse a message while we still send it; otherwise it has nothing to say unasked."""
        refusal = self._replies[0] if self._replies and self._writable is not None else OUT_OF_TURN
        self._replies.clear()
        self._break(OUT_OF_TURN if refusal.positive else refusal)

    def _time_out(self) -> None:
        self._break(Reply(451, "4.4.2", "the server did not answer in time"))

    def _break(self, fault: Reply) -> None:
        if self.fault is None:
            self.fault = fault
        self._close()
        self._wake()
        self._wake_writer()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _wake_writer(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)


def _words(error: Exception) -> str:
    """OpenSSL's sentence on a certificate says more than the name of its error code."""
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)


def _lost(error: Exception | None = None) -> Reply:
    reason = f": {error}" if error is not None and str(error) else ""
    return Reply(451, "4.4.2", f"the connection was lost{reason}")
