"""What DNS says about transport security: MTA-STS announcements, and the addresses of policy hosts."""

import asyncio
from dataclasses import dataclass
from itertools import zip_longest

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.resolver

from relay_worker.delivery.mx import is_public
from relay_worker.delivery.tls.mta_sts import announced_id

QUERY_SECONDS = 10.0


class DnsSilent(Exception):
    """DNS gave no answer, so that it is not known what the domain announces."""


@dataclass(frozen=True, slots=True)
class Announcements:
    """Asks a resolver. `allow_private`: also policy hosts on loopback and private addresses; for development."""

    resolver: dns.asyncresolver.Resolver
    allow_private: bool

    async def policy_id(self, domain: str) -> str | None:
        """The id of the policy that `domain` announces, None when it announces none. Raises DnsSilent."""
        try:
            answer = await self._ask(f"_mta-sts.{domain}", dns.rdatatype.TXT)
        except dns.resolver.NXDOMAIN:
            return None
        except (dns.exception.DNSException, OSError) as error:
            raise DnsSilent(str(error)) from error
        texts = [record.strings for record in answer if isinstance(record, dns.rdtypes.ANY.TXT.TXT)]
        return announced_id([b"".join(strings).decode("latin-1") for strings in texts])

    async def addresses(self, host: str) -> list[str]:
        """Where `host` may be asked, both families in turn: we may have but one. A name that leads into our own network has
        no such address. Never raises.
        """
        answers = await asyncio.gather(
            self._ask(host, dns.rdatatype.AAAA), self._ask(host, dns.rdatatype.A), return_exceptions=True
        )
        families = [
            [str(record) for record in answer] if isinstance(answer, dns.resolver.Answer) else []
            for answer in answers
        ]
        in_turn = [address for turn in zip_longest(*families) for address in turn if address is not None]
        return [address for address in in_turn if self.allow_private or is_public(address)]

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> dns.resolver.Answer:
        return await self.resolver.resolve(
            dns.name.from_text(name), kind, search=False, raise_on_no_answer=False, lifetime=QUERY_SECONDS
        )
