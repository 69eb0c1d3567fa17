"""What a delivery worker knows of pools and addresses, and its way to the book they stand in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from platform_core.ids import AccountId, ResellerId
from relay_worker.addresses.chooser import Source
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.states import Standing
from relay_worker.addresses.tally import Tally


@dataclass(frozen=True, slots=True)
class PooledAddress:
    """An address that is not retired. `warming`: the providers for which it is on the ladder. `absent`: what other machines
    handed over for it was left lying a moment ago.
    """

    source: Source
    pool_id: int
    version: int
    active: bool
    standing: Standing
    warming: frozenset[Provider] = frozenset()
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool; with `reseller_id` it is dedicated to that reseller."""

    id: int
    reseller_id: ResellerId | None = None
    fallback_id: int | None = None
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything at one moment. `assignments`: the pool of an account, or with None of the rest of a reseller."""

    pools: tuple[Pool, ...] = ()
    addresses: tuple[PooledAddress, ...] = ()
    assignments: dict[tuple[ResellerId, AccountId | None], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Till:
    """Where warm-up allowance is counted: an address, a provider, a day (UTC)."""

    ip_id: int
    provider: Provider
    day: date


@dataclass(frozen=True, slots=True)
class HourResult:
    """What came of attempts from an address to a provider in the hour that begins at `hour`."""

    ip_id: int
    provider: Provider
    hour: datetime
    tally: Tally


class AddressBook(Protocol):
    """Every method raises Unavailable on a database fault."""

    async def holdings(self) -> Holdings:
        """All pools and addresses, and who sends from them."""
        ...

    async def take(self, wishes: dict[Till, int]) -> dict[Till, int]:
        """Take so many recipients' allowance from each till, or give it back (negative); what was granted.

        All workers together never get more than the day's limit. A till that is no longer is left out.
        """
        ...

    async def count(self, results: Sequence[HourResult]) -> None:
        """Add to what has been counted."""
        ...
