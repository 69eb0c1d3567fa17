"""A small authoritative nameserver on loopback, for development and tests: real DNS messages over UDP and TCP."""

import argparse
import asyncio
import socket
import struct
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Self, cast

import dns.exception
import dns.flags
import dns.message
import dns.rdatatype

from platform_core.errors import ServerUnreachable
from platform_dev.ports import LOOPBACK
from platform_dev.signals import wait_for_end
from platform_dev.zone import Fault, Records, ZoneFile, respond

# RFC 1035 4.2.1; clients with EDNS name a larger size (RFC 6891 6.2.3).
PLAIN_UDP_OCTETS = 512
PORT_ATTEMPTS = 20


class Nameserver:
    """Serves `records` on one port of loopback, in a thread of its own, as a context manager or by start and stop.

    `queries` holds the latest questions as (name, type), so that a test can see what was asked and what was cached.
    """

    def __init__(
        self, records: Records | None = None, port: int = 0, *, zone_file: Path | None = None
    ) -> None:
        self.records = records or Records()
        self.port = port
        self.queries: deque[tuple[str, str]] = deque(maxlen=10_000)
        self._zone_file = ZoneFile(zone_file, self.records) if zone_file else None

    @property
    def address(self) -> str:
        """`127.0.0.1:port`, as FRANKPOST_NAMESERVERS takes it."""
        return f"{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers. Raises ServerUnreachable when the port is taken."""
        tcp, udp = _bind_both(self.port)
        self.port = tcp.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nameserver", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(tcp, udp), self._loop).result()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def reply(self, wire: bytes, *, udp: bool) -> bytes | None:
        """The octets that answer a question's octets; None where silence is the answer, as to garbage."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if self._zone_file:
            self._zone_file.read_when_changed()
        self._note(query)
        response = respond(self.records, query)
        if response is None:
            return None
        return self._datagram(query, response) if udp else response.to_wire(max_size=65_535)

    def _note(self, query: dns.message.Message) -> None:
        for question in query.question:
            name = question.name.to_text(omit_final_dot=True).lower()
            self.queries.append((name, dns.rdatatype.to_text(question.rdtype)))

    def _datagram(self, query: dns.message.Message, response: dns.message.Message) -> bytes:
        """With TC set where the answer does not fit, so that the client comes again over TCP (RFC 7766 5)."""
        if query.question and self.records.fault(query.question[0].name) is Fault.TRUNCATE:
            response.answer.clear()
            response.authority.clear()
            response.flags |= dns.flags.TC
        size = max(query.payload, PLAIN_UDP_OCTETS)
        return response.to_wire(max_size=size, prefer_truncation=True)

    async def _listen(self, tcp: socket.socket, udp: socket.socket) -> None:
        self._server = await asyncio.start_server(self._converse, sock=tcp)
        self._datagrams, _ = await self._loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)

    async def _close(self) -> None:
        self._datagrams.close()
        self._server.close()
        conversations = asyncio.all_tasks() - {asyncio.current_task()}
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Over TCP each message has its length in two octets before it (RFC 1035 4.2.2)."""
        try:
            while True:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                answer = self.reply(await reader.readexactly(size), udp=False)
                if answer is not None:
                    writer.write(struct.pack("!H", len(answer)) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            # The client has left, which is how such a conversation ends.
            return
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    """Over UDP: one question in a packet, one answer back."""

    def __init__(self, nameserver: Nameserver) -> None:
        self._nameserver = nameserver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own transport for datagrams is no DatagramTransport in Python 3.11.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._nameserver.reply(data, udp=True)
        if answer is not None:
            self._transport.sendto(answer, addr)


def _bind_both(port: int) -> tuple[socket.socket, socket.socket]:
    """A TCP and a UDP socket of the same number. A number that the system chose for one may be taken for the other."""
    for attempt in range(PORT_ATTEMPTS):
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind((LOOPBACK, port))
            udp.bind(tcp.getsockname())
            return tcp, udp
        except OSError as error:
            tcp.close()
            udp.close()
            if port or attempt == PORT_ATTEMPTS - 1:
                raise ServerUnreachable(
                    f"Port {port} on {LOOPBACK}, meant for the nameserver, can't be used: {error.strerror}."
                ) from None
    raise AssertionError("the last attempt returns or raises")


def main() -> None:
    """`python -m platform_dev.nameserver --zone FILE --port N`, until it is told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zone", type=Path, required=True, help="zone file; read again whenever it changes")
    parser.add_argument("--port", type=int, required=True, help="UDP and TCP port on loopback")
    options = parser.parse_args()
    with Nameserver(port=options.port, zone_file=options.zone) as nameserver:
        sys.stderr.write(f"The nameserver answers at {nameserver.address}.\n")
        wait_for_end()


if __name__ == "__main__":
    main()
