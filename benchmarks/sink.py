"""A mail server that takes all and does as little as it may: `python -m benchmarks.sink PORT`. Counts on request.

A connection whose first line is `COUNT` gets the number of messages taken so far.
"""

import asyncio
import sys
from typing import cast

import uvloop

_taken = 0


class Sink(asyncio.Protocol):
    """Speaks just enough SMTP (RFC 5321, PIPELINING) for one relay that is known to behave."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._buffer = b""
        self._in_data = False
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer:
            if self._in_data:
                _message, end, rest = self._buffer.partition(b"\r\n.\r\n")
                if not end:
                    return
                self._took(rest)
            else:
                line, end, rest = self._buffer.partition(b"\r\n")
                if not end:
                    return
                self._buffer = rest
                self._transport.write(self._reply(line))

    def _took(self, rest: bytes) -> None:
        global _taken
        _taken += 1
        self._buffer, self._in_data = rest, False
        self._transport.write(b"250 2.0.0 taken\r\n")

    def _reply(self, line: bytes) -> bytes:
        match line[:4].upper():
            case b"EHLO":
                return b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 30000000\r\n"
            case b"DATA":
                self._in_data = True
                return b"354 go on\r\n"
            case b"QUIT":
                return b"221 2.0.0 bye\r\n"
            case b"COUN":
                return b"%d\r\n" % _taken
        return b"250 2.1.0 ok\r\n"


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
