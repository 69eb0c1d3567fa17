"""Asking DNS for addresses and reverse names; a fault is told apart from a no."""

from typing import Self

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.PTR
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.resolver
import dns.reversename

from platform_core.resolvers import make_resolver
from platform_core.settings import Settings

QUERY_SECONDS = 5.0
MOST_NAMES = 10  # of one address's PTR records


class NoAnswer(Exception):
    """DNS said neither yes nor no."""


class Names:
    """Asks DNS. A name that does not exist has no records; only a fault raises NoAnswer."""

    def __init__(self, resolver: dns.asyncresolver.Resolver) -> None:
        self._resolver = resolver

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(make_resolver(settings.nameservers))

    async def addresses(self, name: str, version: int = 4) -> frozenset[str]:
        """The addresses of `name`, in canonical form."""
        kind = dns.rdatatype.A if version == 4 else dns.rdatatype.AAAA
        answer = await self._ask(dns.name.from_text(name), kind)
        known = (dns.rdtypes.IN.A.A, dns.rdtypes.IN.AAAA.AAAA)
        return frozenset(record.address for record in answer if isinstance(record, known))

    async def names(self, address: str) -> tuple[str, ...]:
        """The names that the PTR records of `address` give, in lower case."""
        answer = await self._ask(dns.reversename.from_address(address), dns.rdatatype.PTR)
        found = [record for record in answer if isinstance(record, dns.rdtypes.ANY.PTR.PTR)]
        return tuple(
            record.target.to_text(omit_final_dot=True).lower() for record in sorted(found)[:MOST_NAMES]
        )

    async def _ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> list[object]:
        try:
            answer = await self._resolver.resolve(
                name, kind, search=False, raise_on_no_answer=False, lifetime=QUERY_SECONDS
            )
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer(str(name)) from error
        return list(answer)
