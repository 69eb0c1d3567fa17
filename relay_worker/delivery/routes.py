"""Which way mail for a domain takes: by DNS, or where the operator's settings send it."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from platform_core.errors import SettingsInvalid
from platform_core.settings import Settings
from relay_worker.delivery.destination import Destination, NoRoute
from relay_worker.delivery.mx import Found, MxLookup

MAX_CACHED = 20_000  # domains


@dataclass(frozen=True, slots=True)
class Route:
    """A way the operator has set. `host` "" keeps the servers found by MX and changes their port alone."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route for single domains, one for all others, or none. Names in lower case."""

    by_domain: dict[str, Route]
    otherwise: Route | None

    @classmethod
    def from_settings(cls, settings: Settings) -> "RouteTable":
        """A domain's own route goes before the smart host, and that before the route of `*`.

        Raises SettingsInvalid.
        """
        routes = {
            domain: _read(target, settings.delivery_port)
            for domain, target in settings.delivery_routes.items()
        }
        otherwise = routes.pop("*", None)
        if settings.delivery_smart_host:
            otherwise = _read(settings.delivery_smart_host, settings.delivery_port)
        return cls(routes, otherwise)

    def route(self, domain: str) -> Route | None:
        return self.by_domain.get(domain, self.otherwise)


class DestinationFinder:
    """Finds destinations and keeps them as long as DNS vouches for them; asks once for a name, whoever waits."""

    def __init__(
        self, routes: RouteTable, lookup: MxLookup, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._routes = routes
        self._lookup = lookup
        self._clock = clock
        self._cache: OrderedDict[str, tuple[float, Destination | NoRoute]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Destination | NoRoute]] = {}

    def cached(self, domain: str) -> Destination | NoRoute | None:
        """What is known of the domain without asking."""
        known = self._cache.get(domain)
        if known is None or known[0] <= self._clock():
            return None
        self._cache.move_to_end(domain)
        return known[1]

    async def find(self, domain: str) -> Destination | NoRoute:
        """Where mail for `domain` goes, or why it goes nowhere."""
        known = self.cached(domain)
        if known is not None:
            return known
        task = self._asking.get(domain)
        if task is None:
            task = self._asking[domain] = asyncio.get_running_loop().create_task(self._ask(domain))
            task.add_done_callback(lambda _: self._asking.pop(domain, None))
        return await asyncio.shield(
            task
        )  # one waiter that is cancelled must not take the answer from the others

    async def _ask(self, domain: str) -> Destination | NoRoute:
        found = await self._look_up(domain)
        self._cache[domain] = self._clock() + found.seconds, found.destination
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)
        return found.destination

    async def _look_up(self, domain: str) -> Found:
        route = self._routes.route(domain)
        if route is None:
            return await self._lookup.find(domain)
        if not route.host:
            return await self._lookup.find(domain, route.port)
        return await self._lookup.find_host(route.host, route.port)


def _read(target: str, default_port: int) -> Route:
    """`host:port`, `host`, `:port`, `[v6]:port` or `[v6]`."""
    host, colon, port = target.rpartition(":")
    if not colon or target.endswith("]"):
        host, port = target, str(default_port)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsInvalid([f"FRANKPOST_DELIVERY_ROUTES or _SMART_HOST: {target!r} has no valid port"])
    return Route(host.strip("[]"), int(port))
