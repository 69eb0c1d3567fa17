"""Finding the TLSA records of mail servers (RFC 7672 2), where DNSSEC vouches for every step to them."""

import asyncio
from collections.abc import Sequence
from typing import Self

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.TLSA
import dns.resolver

from platform_core.resolvers import make_resolver
from platform_core.settings import Settings
from relay_worker.delivery.destination import MailServer
from relay_worker.delivery.tls.tlsa import HostTlsa, Tlsa

QUERY_SECONDS = 10.0
# How long an answer is kept, in seconds: as long as its TTL says within these bounds. Keys are changed by records, and
# one that is held for too long holds back mail; a host without any is looked at as seldom as the longest.
MIN_SECONDS = 15.0
MAX_SECONDS = 900.0
BOGUS_SECONDS = 60.0

_Found = tuple[HostTlsa | None, float]


class DaneLookup:
    """Asks a validating resolver and believes its AD bit, so the way to it must be one that nobody can change."""

    def __init__(self, resolver: dns.asyncresolver.Resolver) -> None:
        self._resolver = resolver
        # A question with AD set asks for AD in the answer, without the signatures (RFC 6840 5.7).
        resolver.set_flags(dns.flags.RD | dns.flags.AD)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(make_resolver(settings.nameservers))

    async def find(self, domain: str, servers: Sequence[MailServer]) -> tuple[tuple[HostTlsa, ...], float]:
        """The servers of which DNSSEC has something to say, and for how many seconds it need not be asked again."""
        hosts = sorted({(server.host, server.port) for server in servers})
        try:
            if not await self._names_servers_securely(domain):
                return (), MAX_SECONDS
        except (dns.exception.DNSException, OSError):
            return tuple(HostTlsa(host, host, bogus=True) for host, _ in hosts), BOGUS_SECONDS
        found = await asyncio.gather(*(self._host(domain, host, port) for host, port in hosts))
        seconds = min((seconds for _, seconds in found), default=MAX_SECONDS)
        return tuple(tlsa for tlsa, _ in found if tlsa is not None), seconds

    async def _names_servers_securely(self, domain: str) -> bool:
        """RFC 7672 2.2.1: TLSA records of servers that an unsigned MX record names prove nothing."""
        try:
            return _is_secure(await self._ask(domain, dns.rdatatype.MX))
        except dns.resolver.NXDOMAIN:
            return False

    async def _host(self, domain: str, host: str, port: int) -> _Found:
        """What is said of one host, None when it does not use DANE, and for how many seconds that holds."""
        try:
            addresses = await self._ask(host, dns.rdatatype.A)
            # RFC 7672 2.2.2: nameservers of unsigned zones often fail on TLSA, and could prove nothing.
            if not _is_secure(addresses):
                return None, MAX_SECONDS
            canonical = addresses.canonical_name.to_text(omit_final_dot=True).lower()
            for base in dict.fromkeys((canonical, host)):  # RFC 7672 2.2.3: the alias's end first
                records, seconds = await self._records(base, port)
                if records:
                    names = tuple(dict.fromkeys((base, host, domain)))
                    return HostTlsa(host, base, names, records), seconds
        except (dns.exception.DNSException, OSError):
            return HostTlsa(host, host, bogus=True), BOGUS_SECONDS
        return None, MAX_SECONDS

    async def _records(self, base: str, port: int) -> tuple[tuple[Tlsa, ...], float]:
        """Secure ones only. Raises where the resolver could not tell (SERVFAIL is how it calls an answer bogus)."""
        try:
            answer = await self._ask(f"_{port}._tcp.{base}", dns.rdatatype.TLSA)
        except dns.resolver.NXDOMAIN:
            return (), MAX_SECONDS
        if answer.rrset is None or not _is_secure(answer):
            return (), MAX_SECONDS
        records = tuple(
            Tlsa(record.usage, record.selector, record.mtype, record.cert)
            for record in answer
            if isinstance(record, dns.rdtypes.ANY.TLSA.TLSA)
        )
        return records, min(max(float(answer.rrset.ttl), MIN_SECONDS), MAX_SECONDS)

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> dns.resolver.Answer:
        return await self._resolver.resolve(
            dns.name.from_text(name), kind, search=False, raise_on_no_answer=False, lifetime=QUERY_SECONDS
        )


def _is_secure(answer: dns.resolver.Answer) -> bool:
    return bool(answer.response.flags & dns.flags.AD)
