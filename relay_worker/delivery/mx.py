"""Finding the mail servers of a domain in DNS (RFC 5321 5.1, RFC 7505 null MX)."""

import asyncio
import ipaddress
from dataclasses import dataclass
from itertools import groupby

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.resolver

from platform_core.mail.replies import Reply
from platform_core.resolvers import make_resolver
from platform_core.settings import Settings
from relay_worker.delivery.destination import Destination, MailServer, NoRoute

MAX_HOSTS = 8  # of one domain; a list longer than this is an attack on resolvers or a mistake
QUERY_SECONDS = 10.0

# How long an answer is kept, in seconds. A TTL of zero would mean a look-up for every message; RFC 2308 5 would allow
# more for a domain that does not exist, but one just registered should not wait for it.
MIN_SECONDS = 15.0
MAX_SECONDS = 3600.0
NO_DOMAIN_SECONDS = 60.0
FAULT_SECONDS = 15.0

NO_DOMAIN = Reply(550, "5.1.2", "the domain does not exist")
NULL_MX = Reply(556, "5.1.10", "the domain takes no mail (null MX)")  # RFC 7505 4.1
NO_SERVERS = Reply(550, "5.4.4", "the domain has no mail server with an address")
ONLY_PRIVATE = Reply(550, "5.4.4", "the domain's mail servers have no address on the public Internet")
LOOPS_BACK = Reply(550, "5.4.6", "the domain's mail servers lead back to us")
NO_ANSWER = Reply(451, "4.4.3", "the domain's nameservers do not answer")


@dataclass(frozen=True, slots=True)
class Found:
    """A destination, or the reason why there is none, and for how many seconds DNS vouches for it."""

    destination: Destination | NoRoute
    seconds: float


@dataclass(frozen=True, slots=True)
class _Addresses:
    """What DNS says of one host. `refused` counts addresses that no public mail server has."""

    usable: tuple[str, ...]
    refused: int
    failed: bool
    seconds: float


class MxLookup:
    """Asks DNS. `own_name` is our name in EHLO: a domain whose mail servers lead to it is a loop (RFC 5321 5.1)."""

    def __init__(
        self, resolver: dns.asyncresolver.Resolver, *, own_name: str, allow_private: bool, port: int
    ) -> None:
        self._resolver = resolver
        self._own_name = own_name.lower()
        self._allow_private = allow_private
        self._port = port

    @classmethod
    def from_settings(cls, settings: Settings) -> "MxLookup":
        return cls(
            make_resolver(settings.nameservers),
            own_name=settings.delivery_helo,
            allow_private=settings.delivery_allow_private_addresses,
            port=settings.delivery_port,
        )

    async def find(self, domain: str, port: int | None = None) -> Found:
        """The mail servers of `domain`. Faults of DNS are in the answer, as a reply of 4xx."""
        try:
            answer = await self._ask(domain, dns.rdatatype.MX)
        except dns.resolver.NXDOMAIN:
            return Found(NoRoute(NO_DOMAIN), NO_DOMAIN_SECONDS)
        except (dns.exception.DNSException, OSError) as error:
            return Found(NoRoute(_no_answer(error)), FAULT_SECONDS)
        records = [record for record in answer if isinstance(record, dns.rdtypes.ANY.MX.MX)]
        if not records:  # the domain itself is its mail server (implicit MX)
            return await self._servers([(0, domain)], port or self._port, MAX_SECONDS)
        if len(records) == 1 and records[0].exchange == dns.name.root:
            return Found(NoRoute(NULL_MX), _ttl(answer))
        hosts = self._before_us([(record.preference, _host(record.exchange)) for record in records])
        if not hosts:
            return Found(NoRoute(LOOPS_BACK), _ttl(answer))
        return await self._servers(hosts, port or self._port, _ttl(answer))

    async def find_host(self, host: str, port: int) -> Found:
        """The one server `host`, a name or an address that the operator has set: no MX, and any address will do."""
        if _is_address(host):
            return Found(_destination([(0, MailServer(host, host, port))], by_operator=True), MAX_SECONDS)
        addresses = await self._addresses(host, allow_private=True)
        servers = [(0, MailServer(host, address, port)) for address in addresses.usable]
        if not servers:
            return Found(
                NoRoute(NO_ANSWER), FAULT_SECONDS
            )  # the operator's own slip must not bounce anything
        return Found(_destination(servers, by_operator=True), addresses.seconds)

    def _before_us(self, hosts: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """The hosts preferred to ourselves, best first; mail must never go back up (RFC 5321 5.1)."""
        ours = min((preference for preference, host in hosts if host == self._own_name), default=None)
        named = [(preference, host) for preference, host in hosts if host]
        return sorted(pair for pair in named if ours is None or pair[0] < ours)[:MAX_HOSTS]

    async def _servers(self, hosts: list[tuple[int, str]], port: int, seconds: float) -> Found:
        found = await asyncio.gather(
            *(self._addresses(host, allow_private=self._allow_private) for _, host in hosts)
        )
        servers = [
            (preference, MailServer(host, address, port))
            for (preference, host), addresses in zip(hosts, found, strict=True)
            for address in addresses.usable
        ]
        if servers:
            return Found(_destination(servers), min(seconds, *(item.seconds for item in found)))
        if any(addresses.failed for addresses in found):
            return Found(NoRoute(NO_ANSWER), FAULT_SECONDS)
        refused = any(addresses.refused for addresses in found)
        return Found(NoRoute(ONLY_PRIVATE if refused else NO_SERVERS), MIN_SECONDS)

    async def _addresses(self, host: str, *, allow_private: bool) -> _Addresses:
        """IPv6 and IPv4 of a host, asked for at once; one of the two failing is no harm."""
        answers = await asyncio.gather(
            self._ask(host, dns.rdatatype.AAAA), self._ask(host, dns.rdatatype.A), return_exceptions=True
        )
        every: list[str] = []
        seconds, failed = MAX_SECONDS, False
        for answer in answers:
            if isinstance(answer, dns.resolver.Answer):
                every += [str(record) for record in answer]
                # Most hosts lack one of the two kinds; that must not shorten the life of the other.
                seconds = min(seconds, _ttl(answer) if len(answer) else MAX_SECONDS)
            elif isinstance(answer, dns.resolver.NXDOMAIN):
                continue
            elif isinstance(answer, (dns.exception.DNSException, OSError)):
                failed = True
            else:
                raise answer
        usable = tuple(address for address in every if allow_private or is_public(address))
        return _Addresses(usable, len(every) - len(usable), failed, MIN_SECONDS if failed else seconds)

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> dns.resolver.Answer:
        return await self._resolver.resolve(
            dns.name.from_text(name), kind, search=False, raise_on_no_answer=False, lifetime=QUERY_SECONDS
        )


def is_public(address: str) -> bool:
    """False for addresses no mail server of the world has: a domain that names one aims at our own network."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _destination(servers: list[tuple[int, MailServer]], *, by_operator: bool = False) -> Destination:
    """Servers of one destination, given best first."""
    groups = tuple(
        tuple(server for _, server in group) for _, group in groupby(servers, key=lambda pair: pair[0])
    )
    hosts = sorted({f"{server.host}:{server.port}" for _, server in servers})
    return Destination(" ".join(hosts), groups, by_operator)


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


def _ttl(answer: dns.resolver.Answer) -> float:
    if answer.rrset is None:
        return MIN_SECONDS
    return min(max(float(answer.rrset.ttl), MIN_SECONDS), MAX_SECONDS)


def _no_answer(error: Exception) -> Reply:
    reason = "no answer in time" if isinstance(error, dns.exception.Timeout) else "a fault of the nameserver"
    return Reply(NO_ANSWER.code, NO_ANSWER.enhanced, f"{NO_ANSWER.text} ({reason})")
