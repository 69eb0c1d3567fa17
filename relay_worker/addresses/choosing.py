"""The chooser of a delivery worker: pools, turns and warm-up, from memory that is refreshed every few seconds."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

import structlog

from platform_core.clock import Clock
from platform_core.errors import Unavailable
from relay_worker.addresses.allowances import Allowances
from relay_worker.addresses.book import AddressBook, Holdings, HourResult, PooledAddress, Till
from relay_worker.addresses.chooser import IPV4, Landing, NoSource, Source
from relay_worker.addresses.elsewhere import address_for
from relay_worker.addresses.local import can_bind
from relay_worker.addresses.order import Orders
from relay_worker.addresses.providers import Provider, provider_named
from relay_worker.addresses.tally import Tally
from relay_worker.addresses.turns import Turns
from relay_worker.queue.claims import Claimed

LEARN_EVERY = timedelta(seconds=15)  # so late a worker follows what staff have changed
SOON = timedelta(seconds=5)  # by then allowance has been asked for
LATER = timedelta(minutes=5)  # when no address may be used, until somebody acts
MAX_WAITING = 20_000  # rows of results while the database is away; beyond, nothing new is counted
MAX_ROWS = 2_000  # of one batch

_ResultRow = tuple[int, Provider, datetime]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an address is wanted for: a transaction of so many recipients, to this site."""

    site: str
    provider: Provider
    recipients: int
    now: datetime


class PoolChooser:
    """`addresses.chooser.SourceChooser` over an address book."""

    def __init__(self, book: AddressBook, clock: Clock, *, is_here: Callable[[str], bool] = can_bind) -> None:
        """`is_here`: whether this machine has an address; those of other machines are as good as paused."""
        self._book = book
        self._clock = clock
        self._is_here = is_here
        self._elsewhere: frozenset[str] = frozenset()
        self._here: tuple[int, ...] = ()
        self._orders = self._orders_anywhere = Orders(Holdings())
        self._learnt_at: datetime | None = None
        self._allowances = Allowances()
        self._turns = Turns()
        self._results: dict[_ResultRow, Counter[Landing]] = {}

    # --- choosing ---

    def choose(
        self,
        claimed: Claimed,
        site: str,
        provider: str,
        *,
        count: int = 1,
        versions: Collection[int] = IPV4,
    ) -> Source | NoSource | None:
        """See `SourceChooser`."""
        if self._learnt_at is None:  # the system's choice might be an address that nobody wants mail from
            return NoSource(self._clock.now() + SOON)
        order = self._orders.order_for(claimed.reseller_id, claimed.account_id)
        if order is None:
            return None
        now = self._clock.now()
        wanted = _Wanted(site, provider_named(provider), count, now)
        skipped: list[Till] = []
        for reachable in (True, False):
            for group in order:
                able = [one for one in group if (one.version in versions) is reachable]
                chosen = self._warming(able, wanted, skipped) or self._warm(able, wanted)
                if chosen is not None:
                    return chosen
            if skipped:
                break  # what is reached tomorrow is better than what is never reached
        return NoSource(self._when(skipped, now))

    def _warming(self, group: Sequence[PooledAddress], wanted: _Wanted, skipped: list[Till]) -> Source | None:
        """Those that warm up are asked first: their day is short, and unused it brings them no further.

        Adds to `skipped` those that have no allowance in hand.
        """
        for one in self._in_turn([one for one in group if wanted.provider in one.warming], wanted):
            till = Till(one.source.ip_id, wanted.provider, wanted.now.date())
            if self._allowances.spend(till, wanted.recipients, wanted.now):
                return replace(one.source, allowance_of=till.day)
            skipped.append(till)
        return None

    def _warm(self, group: Sequence[PooledAddress], wanted: _Wanted) -> Source | None:
        warm = self._in_turn([one for one in group if wanted.provider not in one.warming], wanted)
        return warm[0].source if warm else None

    def _in_turn(self, group: list[PooledAddress], wanted: _Wanted) -> list[PooledAddress]:
        """Beginning with the one whose turn it is."""
        if len(group) < 2:
            return group
        place = wanted.site, tuple(one.source.ip_id for one in group)
        first = self._turns.take(place, len(group), wanted.recipients)
        return group[first:] + group[:first]

    def _when(self, skipped: list[Till], now: datetime) -> datetime:
        """When asking again may help."""
        if not skipped:
            return now + LATER
        if all(self._allowances.is_dry(till) for till in skipped):
            return datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        return now + SOON

    # --- what other machines send ---

    def elsewhere(self, claimed: Claimed) -> int | None:
        """See `SourceChooser`."""
        if not self._elsewhere:
            return None
        order = self._orders_anywhere.order_for(claimed.reseller_id, claimed.account_id)
        if order is None:
            return None
        return address_for(claimed, order, self._elsewhere)

    def here(self) -> Sequence[int]:
        """See `SourceChooser`."""
        return self._here

    # --- what came of it ---

    def landed(self, source: Source, provider: str, outcome: Landing, count: int) -> None:
        """See `SourceChooser`."""
        if outcome is Landing.UNSENT:
            if source.allowance_of is not None:
                till = Till(source.ip_id, provider_named(provider), source.allowance_of)
                self._allowances.restore(till, count)
            return
        hour = self._clock.now().replace(minute=0, second=0, microsecond=0)
        row = source.ip_id, provider_named(provider), hour
        if row in self._results or len(self._results) < MAX_WAITING:
            self._results.setdefault(row, Counter())[outcome] += count

    # --- the book ---

    async def refresh(self) -> None:
        """See `SourceChooser`."""
        try:
            await self._learn()
            await self._write()
            await self._allowances.refill(self._book, self._clock.now())
        except Unavailable as error:
            log.warning("addresses.not_refreshed", error=str(error))

    async def close(self) -> None:
        """See `SourceChooser`."""
        try:
            while self._results:
                await self._write()
            await self._allowances.give_back(self._book)
        except Unavailable as error:
            log.warning("addresses.not_closed", error=str(error))

    async def _learn(self) -> None:
        now = self._clock.now()
        if self._learnt_at is None or now - self._learnt_at >= LEARN_EVERY:
            known = await self._book.holdings()
            self._orders_anywhere, self._orders = Orders(known), Orders(self._as_seen_here(known))
            self._learnt_at = now

    def _as_seen_here(self, known: Holdings) -> Holdings:
        active = {one.source.address for one in known.addresses if one.active}
        elsewhere = frozenset(address for address in active if not self._is_here(address))
        if elsewhere - self._elsewhere:
            log.warning("addresses.not_on_this_machine", addresses=sorted(elsewhere))
        self._elsewhere = elsewhere
        self._here = tuple(
            one.source.ip_id for one in known.addresses if one.active and one.source.address not in elsewhere
        )
        addresses = (
            replace(one, active=one.active and one.source.address not in elsewhere) for one in known.addresses
        )
        return replace(known, addresses=tuple(addresses))

    async def _write(self) -> None:
        """One batch; when the book does not take it, it stays and goes with the next."""
        rows = list(self._results.items())[:MAX_ROWS]
        if not rows:
            return
        written = [(row, Counter(landings)) for row, landings in rows]
        await self._book.count([_result(row, landings) for row, landings in written])
        for row, landings in written:
            self._results[row] -= landings  # what landed meanwhile stays
            if not self._results[row]:
                del self._results[row]


def _result(row: _ResultRow, landings: Counter[Landing]) -> HourResult:
    return HourResult(*row, Tally(**{landing.value: count for landing, count in landings.items()}))
