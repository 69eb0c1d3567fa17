"""Which of our addresses a message leaves from: what the delivery engine asks, and what it hears."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from relay_worker.queue.claims import Claimed

IPV4 = frozenset({4})


@dataclass(frozen=True, slots=True)
class Source:
    """One of our addresses, bound on connect, and the name said there in EHLO.

    `allowance_of`: the day (UTC) whose warm-up allowance was taken for it; None where there is no limit.
    """

    ip_id: int
    address: str
    helo: str
    allowance_of: date | None = None


@dataclass(frozen=True, slots=True)
class NoSource:
    """No address may send this now: warm-up is used up, or all are paused. Ask again at `until`."""

    until: datetime


class Landing(StrEnum):
    """What one attempt says about the address it came from. See `landing.landing_of`.

    UNSENT: nobody was reached, or it was put back unsent; it is not counted, and its allowance is free again.
    """

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    THROTTLED = "throttled"
    BLOCKED = "blocked"
    BOUNCED = "bounced"
    UNSENT = "unsent"


class SourceChooser(Protocol):
    """Chooses from memory; never waits but in `refresh` and `close`."""

    def choose(
        self,
        claimed: Claimed,
        site: str,
        provider: str,
        *,
        count: int = 1,
        versions: Collection[int] = IPV4,
    ) -> Source | NoSource | None:
        """Where a transaction of `count` recipients to `site` leaves from. None: the system's own choice.

        `provider`: the name of the site's traffic rule. `versions`: the IP versions that the site's servers have; an address
        of another is chosen only where we have nothing else. Every Source takes `count` from the day's warm-up
        allowance of its address: ask once for each transaction, when it is put on its lane.
        """
        ...

    def elsewhere(self, claimed: Claimed) -> int | None:
        """The id of the address for which this recipient is to be handed over to another machine; None: it is sent here."""
        ...

    def here(self) -> Sequence[int]:
        """The ids of the addresses that this machine has: what others hand over for them is ours."""
        ...

    def landed(self, source: Source, provider: str, outcome: Landing, count: int) -> None:
        """`count` recipients of a transaction from there came out so, or were put back (UNSENT)."""
        ...

    async def refresh(self) -> None:
        """Learn what has changed, take warm-up allowance, write results. Call before the first claim, then every few
        seconds. Never raises on a fault of the database: what was known goes on to hold.
        """
        ...

    async def close(self) -> None:
        """Write what is left, and give back what was not used."""
        ...


class SystemsChoice:
    """For an engine without a database: the system chooses."""

    def choose(
        self,
        claimed: Claimed,
        site: str,
        provider: str,
        *,
        count: int = 1,
        versions: Collection[int] = IPV4,
    ) -> Source | NoSource | None:
        return None

    def elsewhere(self, claimed: Claimed) -> int | None:
        return None

    def here(self) -> Sequence[int]:
        return ()

    def landed(self, source: Source, provider: str, outcome: Landing, count: int) -> None:
        pass

    async def refresh(self) -> None:
        pass

    async def close(self) -> None:
        pass
