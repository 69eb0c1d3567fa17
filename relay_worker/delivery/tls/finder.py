"""What a domain has published about the TLS of its mail servers, asked for once and kept for minutes."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from platform_core.clock import Clock
from platform_core.resolvers import make_resolver
from platform_core.settings import Settings
from relay_worker.delivery.destination import Destination
from relay_worker.delivery.routes import RouteTable
from relay_worker.delivery.tls.announcements import Announcements
from relay_worker.delivery.tls.contexts import Contexts
from relay_worker.delivery.tls.dane import DaneLookup
from relay_worker.delivery.tls.mta_sts import StsMode, StsPolicy
from relay_worker.delivery.tls.policy import TlsPolicy
from relay_worker.delivery.tls.policy_host import PolicyHost
from relay_worker.delivery.tls.sts_policies import KeptPolicies, StsPolicies
from relay_worker.delivery.tls.tally import TlsTally
from relay_worker.delivery.tls.tlsa import HostTlsa
from relay_worker.queue.tls_book import TlsBook

MAX_CACHED = 20_000  # domains
# Without a domain, so that sessions with the operator's own servers are in nobody's report.
SENT_ELSEWHERE = TlsPolicy("")
_FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A policy found for a domain with these mail servers, and until when (of the clock) it holds."""

    destination_key: str
    policy: TlsPolicy
    until: float


class TlsPolicies:
    """Finds policies. `sts` or `dane` None: not asked for. Domains that the operator sends elsewhere have none:
    what they publish is about their own mail servers.
    """

    def __init__(
        self,
        routes: RouteTable,
        sts: StsPolicies | None,
        dane: DaneLookup | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._routes = routes
        self._sts = sts
        self._dane = dane
        self._clock = clock
        self._cache: OrderedDict[str, _Kept] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Task[TlsPolicy]] = {}

    @classmethod
    def from_settings(cls, settings: Settings, book: TlsBook, tally: TlsTally, clock: Clock) -> Self:
        sts = _sts_policies(settings, book, tally, clock) if settings.delivery_mta_sts else None
        dane = DaneLookup.from_settings(settings) if settings.delivery_dane else None
        return cls(RouteTable.from_settings(settings), sts, dane)

    def cached(self, domain: str, destination: Destination) -> TlsPolicy | None:
        """What is known without asking."""
        route = self._routes.route(domain)
        if route is not None and route.host:
            return SENT_ELSEWHERE
        kept = self._cache.get(domain)
        if kept is None or kept.until <= self._clock() or kept.destination_key != destination.key:
            return None
        self._cache.move_to_end(domain)
        return kept.policy

    async def find(self, domain: str, destination: Destination) -> TlsPolicy:
        """What `domain` has published, of the servers of `destination`. Raises Unavailable: mail has to wait then."""
        known = self.cached(domain, destination)
        if known is not None:
            return known
        name = domain, destination.key
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.get_running_loop().create_task(self._ask(domain, destination))
            task.add_done_callback(lambda _: self._asking.pop(name, None))
        return await asyncio.shield(task)  # one waiter that is cancelled must not take it from the others

    async def _ask(self, domain: str, destination: Destination) -> TlsPolicy:
        (sts, sts_seconds), (tlsa, tlsa_seconds) = await asyncio.gather(
            self._ask_sts(domain), self._ask_dane(domain, destination)
        )
        policy = TlsPolicy(domain, sts, tlsa)
        until = self._clock() + min(sts_seconds, tlsa_seconds)
        self._cache[domain] = _Kept(destination.key, policy, until)
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)
        return policy

    async def _ask_sts(self, domain: str) -> tuple[StsPolicy | None, float]:
        """A policy of mode `none` is how a domain takes its policy back (RFC 8461 8.3)."""
        if self._sts is None:
            return None, _FOREVER
        policy, seconds = await self._sts.find(domain)
        return None if policy is None or policy.mode is StsMode.NONE else policy, seconds

    async def _ask_dane(self, domain: str, destination: Destination) -> tuple[tuple[HostTlsa, ...], float]:
        if self._dane is None:
            return (), _FOREVER
        servers = [server for group in destination.groups for server in group]
        return await self._dane.find(domain, servers)


def _sts_policies(settings: Settings, book: TlsBook, tally: TlsTally, clock: Clock) -> StsPolicies:
    announcements = Announcements(
        make_resolver(settings.nameservers), settings.delivery_allow_private_addresses
    )
    host = PolicyHost(
        announcements.addresses,
        Contexts(settings.delivery_ca_file).verifying,
        settings.delivery_mta_sts_port,
    )
    return StsPolicies(announcements, host, KeptPolicies(book, clock), tally, clock)
