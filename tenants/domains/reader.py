"""Reading TXT and CNAME records of strangers' domains, with a bound on time and size."""

from typing import Self

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.TXT
import dns.resolver

from platform_core.resolvers import make_resolver
from platform_core.settings import Settings

QUERY_SECONDS = 5.0
MOST_RECORDS = 50  # of one name; a domain at a busy provider has some thirty TXT records
LONGEST_TEXT = 4096  # characters of one TXT record; an rsa-4096 DKIM key has 750
MOST_ALIASES = 5  # CNAMEs behind one another


class NoAnswer(Exception):
    """DNS said neither yes nor no: a timeout, a fault of a nameserver, an answer that makes no sense."""


class RecordReader:
    """Asks DNS. A name that does not exist has no records; only a fault raises NoAnswer."""

    def __init__(self, resolver: dns.asyncresolver.Resolver) -> None:
        self._resolver = resolver

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(make_resolver(settings.nameservers))

    async def texts(self, name: str) -> tuple[str, ...]:
        """Every TXT record of `name`, its strings joined without a space (RFC 6376 3.6.2.2, RFC 7208 3.3)."""
        answer = await self._ask(name, dns.rdatatype.TXT)
        records = [record for record in answer if isinstance(record, dns.rdtypes.ANY.TXT.TXT)]
        return tuple(
            b"".join(record.strings).decode("utf-8", "replace")[:LONGEST_TEXT]
            for record in records[:MOST_RECORDS]
        )

    async def aliases(self, name: str) -> tuple[str, ...]:
        """The names that `name` leads to by CNAME, one after the other, at most five; in lower case."""
        found: list[str] = []
        while len(found) < MOST_ALIASES:
            answer = await self._ask(found[-1] if found else name, dns.rdatatype.CNAME)
            targets = [record.target for record in answer if isinstance(record, dns.rdtypes.ANY.CNAME.CNAME)]
            if not targets:
                break
            found.append(targets[0].to_text(omit_final_dot=True).lower())
        return tuple(found)

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> list[object]:
        try:
            answer = await self._resolver.resolve(
                dns.name.from_text(name), kind, search=False, raise_on_no_answer=False, lifetime=QUERY_SECONDS
            )
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer(name) from error
        return list(answer)
