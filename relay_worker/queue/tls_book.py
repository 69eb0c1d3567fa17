"""What goes through the door about transport security: kept policies, and counts of sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class PolicyType(StrEnum):
    """What a domain has published of its mail servers (RFC 8460 4.2)."""

    TLSA = "tlsa"
    STS = "sts"
    NONE = "no-policy-found"


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """The MTA-STS policy of `domain` as it was fetched; `id` is what its TXT record called it."""

    domain: str
    id: str
    text: str
    fetched_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TlsCount:
    """Sessions with one mail server that came out alike on one day (UTC); `result`: success, or RFC 8460 4.3's word.

    `policy`: the lines of the policy that was applied. `mx_host` is "" where the policy itself could not be had.
    """

    day: date
    domain: str
    policy_type: PolicyType
    mx_host: str
    result: str
    sessions: int
    policy: tuple[str, ...]


class TlsBook(Protocol):
    """A delivery worker's way to both. Every method raises Unavailable on a database fault."""

    async def policies(self, since: datetime) -> list[KeptPolicy]:
        """Those fetched since then, by any worker, that have not expired."""
        ...

    async def keep(self, policy: KeptPolicy) -> None:
        """In place of any older one of the domain."""
        ...

    async def count(self, counts: Sequence[TlsCount]) -> None:
        """Add to what has been counted."""
        ...


class ForgetfulTlsBook:
    """For an engine without a database: policies last as long as the process, and nothing is counted."""

    async def policies(self, since: datetime) -> list[KeptPolicy]:
        return []

    async def keep(self, policy: KeptPolicy) -> None:
        pass

    async def count(self, counts: Sequence[TlsCount]) -> None:
        pass
