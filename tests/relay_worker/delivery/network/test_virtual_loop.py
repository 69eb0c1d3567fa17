"""The instruments of the simulated network: time that jumps, connections in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from tests.relay_worker.delivery.network.sites import Site
from tests.relay_worker.delivery.network.virtual_loop import VirtualLoop
from tests.relay_worker.delivery.network.wire import Wire

T = TypeVar("T")


class Heard(asyncio.Protocol):
    """Notes what it hears, and when."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self.ended_at = 0.0

    def data_received(self, data: bytes) -> None:
        self.heard.append((asyncio.get_running_loop().time(), data))

    def connection_lost(self, error: Exception | None) -> None:
        self.ended_at = asyncio.get_running_loop().time()


async def nowhere(address: str, port: int, source: str) -> Wire:
    raise OSError(f"no route to {address}")


def virtually(work: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        return await work()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(nowhere)) as runner:
        return runner.run(main())


def test_a_month_passes_in_a_moment_and_timers_fire_in_order() -> None:
    async def work() -> list[str]:
        fired: list[str] = []
        for days in (30, 1, 7):
            asyncio.get_running_loop().call_later(days * 86_400, fired.append, f"day {days}")
        await asyncio.sleep(31 * 86_400)
        return fired

    assert virtually(work) == ["day 1", "day 7", "day 30"]


def test_waiting_for_what_can_never_happen_is_told() -> None:
    async def work() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="Nothing will ever happen"):
        virtually(work)


def test_octets_arrive_after_the_latency_in_order_and_before_the_end() -> None:
    async def work() -> Heard:
        client, server = Wire.pair(0.5, "192.0.2.1", "198.51.100.1")
        heard = Heard()
        client.attach(asyncio.Protocol())
        server.attach(heard)
        for number in range(5):
            client.write(b"%d" % number)
        client.close()
        await asyncio.sleep(2)
        return heard

    heard = virtually(work)
    assert heard.heard == [(0.5, b"%d" % number) for number in range(5)]
    assert heard.ended_at == 0.5


def test_a_site_answers_at_its_own_pace_and_counts_what_it_sees() -> None:
    site = Site(latency=1.0, tarpit=10.0)

    async def work() -> Heard:
        heard = Heard()
        site.open("192.0.2.1", "198.51.100.1").attach(heard)
        await asyncio.sleep(60)
        return heard

    assert virtually(work).heard == [(11.0, b"220 site\r\n")]
    assert (site.open_now, site.most_open, site.from_addresses) == (1, 1, {"192.0.2.1"})
