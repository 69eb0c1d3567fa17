"""In which order the addresses of a pool and of its fallbacks are used."""

from collections.abc import Iterator

from platform_core.ids import AccountId, ResellerId
from relay_worker.addresses.book import Holdings, Pool, PooledAddress
from relay_worker.addresses.states import Standing

# Groups of addresses: a later group gets only what the earlier could not send. Empty when all of them may not be used.
SendingOrder = tuple[tuple[PooledAddress, ...], ...]


class Orders:
    """The order of every pool, made when the holdings are read. Nothing here changes afterwards."""

    def __init__(self, holdings: Holdings) -> None:
        self._assignments = holdings.assignments
        self._pools = {pool.id: pool for pool in holdings.pools}
        self._default = next((pool.id for pool in holdings.pools if pool.is_default), None)
        self._members: dict[int, list[PooledAddress]] = {pool.id: [] for pool in holdings.pools}
        for address in holdings.addresses:
            self._members[address.pool_id].append(address)
        self._orders = {pool.id: self._order(pool) for pool in holdings.pools if self._leads_anywhere(pool)}

    def order_for(self, reseller_id: ResellerId, account_id: AccountId) -> SendingOrder | None:
        """The account's pool, else its reseller's, else the default; None when there is none of these.

        One that leads to no address at all, not even to one that is paused, is passed over.
        """
        assigned = (
            self._assignments.get((reseller_id, account_id)),
            self._assignments.get((reseller_id, None)),
            self._default,
        )
        return next((self._orders[pool_id] for pool_id in assigned if pool_id in self._orders), None)

    def _order(self, pool: Pool) -> SendingOrder:
        """Sound addresses pool by pool, then the flawed ones likewise: a flaw counts for more than whose address it is."""
        chain = list(self._chain(pool))
        groups = [
            tuple(
                address
                for address in self._members[one.id]
                if address.active and address.standing is standing
            )
            for standing in (Standing.SOUND, Standing.FLAWED)
            for one in chain
        ]
        return tuple(group for group in groups if group)

    def _leads_anywhere(self, pool: Pool) -> bool:
        return any(self._members[one.id] for one in self._chain(pool))

    def _chain(self, pool: Pool) -> Iterator[Pool]:
        """The pool, its fallback, that one's fallback and so on; a circle ends where it closes.

        A pool that is dedicated to one reseller is nobody else's fallback, whatever the rows may say.
        """
        seen: set[int] = set()
        following: Pool | None = pool
        while following is not None and following.id not in seen:
            seen.add(following.id)
            if following.reseller_id in (None, pool.reseller_id):
                yield following
            following = self._pools.get(following.fallback_id) if following.fallback_id else None
