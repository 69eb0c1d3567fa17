"""A connection in memory: two ends, and octets that take their time between them."""

import asyncio
from collections import deque
from typing import Any, Self


class Wire(asyncio.Transport):
    """One end. What is written arrives at the other `latency` seconds later, in order; so does the end."""

    def __init__(self, latency: float, local: str, remote: str) -> None:
        super().__init__({"sockname": (local, 0), "peername": (remote, 25)})
        self._loop = asyncio.get_running_loop()
        self._latency = latency
        self._under_way: deque[bytes | None] = deque()
        self._protocol: asyncio.Protocol | None = None
        self._early: list[bytes] = []
        self._closed = False

    @classmethod
    def pair(cls, latency: float, client: str, server: str) -> tuple[Self, Self]:
        """Both ends; the client's first."""
        one, other = cls(latency, client, server), cls(latency, server, client)
        one._peer, other._peer = other, one
        return one, other

    _peer: "Wire"

    def attach(self, protocol: asyncio.Protocol) -> None:
        """Who uses this end from now on."""
        self._protocol = protocol
        protocol.connection_made(self)
        early, self._early = self._early, []
        for data in early:
            protocol.data_received(data)

    def write(self, data: Any) -> None:
        if not self._closed:
            self._send(bytes(data))

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._closed:
            self._send(None)
            self._end()

    def is_closing(self) -> bool:
        return self._closed

    def _send(self, data: bytes | None) -> None:
        """Equal timers fire in any order, so what arrives is always the first that was sent."""
        self._under_way.append(data)
        self._loop.call_later(self._latency, self._arrive)

    def _arrive(self) -> None:
        data = self._under_way.popleft()
        if data is None:
            self._peer._end()
        else:
            self._peer._receive(data)

    def _receive(self, data: bytes) -> None:
        if self._closed:
            return
        if self._protocol is None:
            self._early.append(data)
        else:
            self._protocol.data_received(data)

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._protocol is not None:
            self._loop.call_soon(self._protocol.connection_lost, None)
