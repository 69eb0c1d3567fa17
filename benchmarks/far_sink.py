"""Mail servers that are far away: `python -m benchmarks.far_sink PORT ROUND_TRIP_MS ADDRESS...`, with STARTTLS.

Each address is a server of its own; all are this process. The way to them is as long as it is told, for every octet and so
for the handshake of TLS too, and a connection takes a round trip to be made. PORT on 127.0.0.1 answers at once: `COUNT`.
"""

import asyncio
import ssl
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.sink import Sink
from platform_dev.authority import LocalAuthority


class TlsSink(Sink):
    """The sink, under TLS when asked (RFC 3207)."""

    context: ssl.SSLContext
    _secured = False

    def _reply(self, line: bytes) -> bytes:
        if line[:8].upper() == b"STARTTLS":
            self._upgrade = asyncio.get_running_loop().create_task(self._secure())
            return b"220 2.0.0 go ahead\r\n"
        reply = super()._reply(line)
        if line[:4].upper() == b"EHLO" and not self._secured:
            return reply.replace(b"250 SIZE", b"250-STARTTLS\r\n250 SIZE")
        return reply

    def _took(self, rest: bytes) -> None:
        assert self._secured, "mail came in clear, though STARTTLS was offered"
        super()._took(rest)

    async def _secure(self) -> None:
        self._secured = True
        loop = asyncio.get_running_loop()
        secured = await loop.start_tls(self._transport, self, self.context, server_side=True)
        assert secured is not None
        self._transport = secured


class End(asyncio.Protocol):
    """One end of a long way: what arrives here leaves the other end `seconds` later, and so does the end of it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[bytes] = deque()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._over = False
        self.other: End = self
        self.reaching: asyncio.Task[None] | None = None  # kept here, or it might be collected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._over:
            self._transport.close()
        self._transport.writelines(self._waiting)

    def data_received(self, data: bytes) -> None:
        """In order, whatever the timers do."""
        self._under_way.append(data)
        self._loop.call_later(self._seconds, lambda: self.other.leave(self._under_way.popleft()))

    def connection_lost(self, error: Exception | None) -> None:
        self._loop.call_later(self._seconds, self.other.end)

    def leave(self, data: bytes) -> None:
        if self._transport is None:
            self._waiting.append(data)
        else:
            self._transport.write(data)

    def end(self) -> None:
        self._over = True
        if self._transport is not None:
            self._transport.close()


def far_end(port: int, round_trip: float) -> End:
    """For a connection just taken; the server behind it hears of it a round trip later, as if TCP had shaken hands."""
    loop = asyncio.get_running_loop()
    near, far = End(round_trip / 2), End(round_trip / 2)
    near.other, far.other = far, near

    async def reach() -> None:
        await asyncio.sleep(round_trip)
        await loop.create_connection(lambda: far, "127.0.0.1", port)

    near.reaching = loop.create_task(reach())
    return near


async def serve(port: int, round_trip: float, addresses: list[str]) -> None:
    loop = asyncio.get_running_loop()
    TlsSink.context = _certified()
    sink = await loop.create_server(TlsSink, "127.0.0.1", port, backlog=1024)
    far = [
        await loop.create_server(lambda: far_end(port, round_trip), address, port, backlog=1024)
        for address in addresses
    ]
    await asyncio.gather(sink.serve_forever(), *(server.serve_forever() for server in far))


def _certified() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:
        certificate = LocalAuthority(Path(folder)).issue("sink.test")
        pem = Path(folder, "server.pem")
        pem.write_bytes(certificate.key + certificate.chain)
        context.load_cert_chain(pem)
    return context


if __name__ == "__main__":
    _, port, milliseconds, *addresses = sys.argv
    uvloop.run(serve(int(port), float(milliseconds) / 1000, addresses))
