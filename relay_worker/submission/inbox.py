"""What a client has sent and the session has not yet taken, with flow control."""

import asyncio

PAUSE_ABOVE = 65_536  # bytes that may wait unread before the client is held back


class Inbox:
    """The bytes received. The transport is paused while they are many and nobody asks for more."""

    __slots__ = ("_eof", "_loop", "_paused", "_transport", "_waiter", "buffer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.buffer = bytearray()
        self._loop = loop
        self._transport: asyncio.ReadTransport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._eof = False

    def attach(self, transport: asyncio.ReadTransport) -> None:
        """Read from this transport from now on; after STARTTLS it is another."""
        self._transport = transport
        self._paused = False

    def feed(self, data: bytes) -> None:
        self.buffer += data
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
        elif not self._paused and len(self.buffer) > PAUSE_ABOVE and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True

    def feed_eof(self) -> None:
        self._eof = True
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def more(self) -> bool:
        """Wait until something was received; False when the client will send nothing more."""
        if self._eof:
            return False
        if self._paused and self._transport is not None:
            self._transport.resume_reading()
            self._paused = False
        size = len(self.buffer)
        self._waiter = self._loop.create_future()
        await self._waiter
        return len(self.buffer) > size

    def discard(self) -> None:
        self.buffer.clear()

    def take_line(self, limit: int) -> "bytes | Overlong | None":
        """The next line with its line end; None when it is not complete yet.

        Of a line over `limit` octets only the news is returned, once, when it has ended; its octets are dropped
        as they come, so that a client without line ends costs no memory.
        """
        end = self.buffer.find(b"\n")
        if 0 <= end < limit:
            line = bytes(self.buffer[: end + 1])
            del self.buffer[: end + 1]
            return line
        if end >= 0:
            del self.buffer[: end + 1]
            return OVERLONG
        if len(self.buffer) > 2 * limit:
            # What stays is still over the limit, so the line is known for overlong when it ends.
            del self.buffer[: len(self.buffer) - limit]
        return None


class Overlong:
    """A line that was longer than allowed, in place of its text."""


OVERLONG = Overlong()
