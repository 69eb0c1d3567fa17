"""An event loop whose time jumps to the next timer when nothing is left to do, over a network in memory."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

from tests.relay_worker.delivery.network.wire import Wire

Connect = Callable[[str, int, str], Awaitable[Wire]]


class _Jump(selectors.SelectSelector):
    """Where a loop waits for its sockets; this one has none, and passes the time at once."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError(
                "Nothing will ever happen: no timer is set, and there is no other source of events."
            )
        self.passed += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`connect(address, port, local_address)` makes the connections. Threads and sockets do not work here."""

    def __init__(self, connect: Connect) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self._connect = connect

    def time(self) -> float:
        return self._jump.passed

    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str = "",
        port: int = 0,
        *,
        local_addr: tuple[str, int] | None = None,
        **_: object,
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        wire = await self._connect(host, port, local_addr[0] if local_addr else "")
        protocol = protocol_factory()
        wire.attach(protocol)
        return wire, protocol
