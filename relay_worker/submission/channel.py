"""The connection under a session: lines in, replies out, and the time both may take."""

import asyncio
import math
import ssl
from typing import Any, cast

from aiosmtpd.smtp import SMTP

from platform_core.mail.replies import Reply
from relay_worker.submission.inbox import Inbox, Overlong
from relay_worker.submission.replies import wire
from relay_worker.submission.tls import HostContext

MAX_LINE = 12_288  # octets of the longest line: an AUTH response (RFC 4954 4)
HANDSHAKE_SECONDS = 30.0
LINGER = 10.0  # seconds from closing a connection to cutting it
TLS_RECORD = b"\x16\x03"  # how a handshake begins, where a client starts TLS without STARTTLS
_WRITE_BUFFER = 65_536  # bytes of replies a client may leave unread before the session waits for it
_MOST_REPLIES_HELD = 100


class ClientGone(Exception):
    """The connection is lost, or the client could not agree on TLS: there is nobody to reply to."""


class Channel(SMTP):
    """aiosmtpd's protocol with its own reading, writing and timing; what is said over it is `SmtpSession`'s affair.

    Three things differ from the stock class, all for speed: input goes into a buffer that can be taken in bulk;
    replies are collected and written when the session is about to wait (RFC 2920 3.2); and instead of a timer set
    for each command there is one note, `waiting_since`, that a clock over all sessions reads.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, largest: int, host: str) -> None:
        super().__init__(
            None, data_size_limit=largest, enable_SMTPUTF8=True, hostname=host, ident="", loop=loop
        )
        self.inbox = Inbox(loop)
        self._replies: list[bytes] = []
        self.began = loop.time()
        # Since when the session waits for its client; infinity while the client waits for us.
        self.waiting_since = math.inf
        self._closed_at = math.inf

    # --- what the transport calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        both_ways = cast(asyncio.Transport, transport)
        both_ways.set_write_buffer_limits(high=_WRITE_BUFFER)
        self.inbox.attach(both_ways)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self.inbox.feed(data)

    def eof_received(self) -> bool:
        """The client sends no more, yet may read on: what it sent is answered before the connection closes."""
        self.inbox.feed_eof()
        return self.tls is None  # a TLS transport can't stay half open

    def connection_lost(self, error: Exception | None) -> None:
        # Not the parent's: it stops a timer that we never set.
        asyncio.StreamReaderProtocol.connection_lost(self, error)
        self.inbox.feed_eof()
        self.transport = None
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    def _reset_timeout(self, duration: float | None = None) -> None:
        """No timer: `waiting_since` is watched instead."""

    # --- replies ---

    def say(self, reply: Reply) -> None:
        self._replies.append(wire(reply))

    def say_raw(self, line: bytes) -> None:
        """For the replies that are no `Reply`: the greeting, EHLO's list, challenges."""
        self._replies.append(line)

    async def push(self, status: Any) -> None:
        """The parent's way to reply, led into ours."""
        self.say_raw((status.encode() if isinstance(status, str) else status) + b"\r\n")

    def flush(self) -> None:
        if self._replies:
            lines, self._replies = self._replies, []
            if self.transport is not None and not self.transport.is_closing():
                self._writer.write(lines[0] if len(lines) == 1 else b"".join(lines))

    # --- input ---

    async def take_line(self) -> bytes | Overlong | None:
        """The next line without its line end; None when the client is gone. The clock runs until it is complete.

        A line with a bare LF comes back with it, and is then refused for its control character.
        """
        if len(self._replies) > _MOST_REPLIES_HELD:
            await self._send_replies()
            await asyncio.sleep(0)  # a client that pipelines without end must not keep the others waiting
        line = self.inbox.take_line(MAX_LINE)
        if line is None:
            line = await self._await_line()
        return _without_crlf(line) if isinstance(line, bytes) else line

    async def _await_line(self) -> bytes | Overlong | None:
        self.waiting_since = self.loop.time()
        try:
            await self._send_replies()
            while await self.inbox.more():
                line = self.inbox.take_line(MAX_LINE)
                if line is not None:
                    return line
                if self.inbox.buffer.startswith(TLS_RECORD):
                    return TLS_RECORD  # a line of this will never end
            return None
        finally:
            self.waiting_since = math.inf

    async def take_more(self) -> None:
        """Wait for more octets of a message. Raises ClientGone."""
        self.waiting_since = self.loop.time()
        try:
            await self._send_replies()
            if not await self.inbox.more():
                raise ClientGone
        finally:
            self.waiting_since = math.inf

    async def _send_replies(self) -> None:
        """Write what is collected, and wait while the client leaves too much of it unread."""
        self.flush()
        waited = self.waiting_since
        self.waiting_since = self.loop.time()
        try:
            await self._writer.drain()
        except OSError as error:
            raise ClientGone from error
        self.waiting_since = waited

    # --- TLS ---

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """RFC 3207. Raises ClientGone when the handshake fails."""
        self.flush()
        # What came in clear after STARTTLS was perhaps put there by somebody else: none of it is ever read.
        # Nothing can come between here and the handshake, because reading stops first.
        cast(asyncio.Transport, self._writer.transport).pause_reading()
        self.inbox.discard()
        try:
            await self._writer.start_tls(context, ssl_handshake_timeout=HANDSHAKE_SECONDS)
        except OSError as error:
            raise ClientGone from error
        secured = cast(asyncio.Transport, self._writer.transport)
        secured.set_write_buffer_limits(high=_WRITE_BUFFER)
        self.inbox.attach(secured)
        self.transport = secured

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS of this connection, with version and cipher."""
        found = self._writer.get_extra_info("ssl_object")
        return found if isinstance(found, ssl.SSLObject) else None

    @property
    def tls_host(self) -> str | None:
        """The name whose certificate the client was shown; None without TLS."""
        tls = self.tls
        return tls.context.host if tls is not None and isinstance(tls.context, HostContext) else None

    # --- the end ---

    @property
    def stalled(self) -> bool:
        """True while the client has left replies unread."""
        return (
            self.transport is not None and cast(asyncio.Transport, self.transport).get_write_buffer_size() > 0
        )

    def hang_up(self, reply: Reply | None = None) -> None:
        """End the connection, with a last reply if the client still reads."""
        if self.transport is None:
            return
        if reply is not None:
            self.say(reply)
        self.flush()
        self.transport.close()
        self._closed_at = min(self._closed_at, self.loop.time())

    def cut_if_lingering(self, now: float) -> None:
        """A client that reads nothing would keep a closed connection open for ever."""
        if now - self._closed_at > LINGER:
            self.drop()

    def drop(self) -> None:
        """Cut the connection without a word."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()


def _without_crlf(line: bytes) -> bytes:
    return line[:-2] if line.endswith(b"\r\n") else line
