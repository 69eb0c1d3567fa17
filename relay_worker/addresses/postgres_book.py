"""The book of addresses, in Postgres."""

import ipaddress
from collections.abc import Sequence

import asyncpg

from relay_worker.addresses.book import Holdings, HourResult, Pool, PooledAddress, Till
from relay_worker.addresses.chooser import Source
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.states import Standing
from relay_worker.queue.postgres import database_call


class PostgresAddressBook:
    """`addresses.book.AddressBook` over asyncpg."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def holdings(self) -> Holdings:
        async with database_call(self._pool) as connection:
            pools = await connection.fetch("SELECT * FROM relay.ip_pools()")
            if not pools:
                return Holdings()
            addresses = await connection.fetch("SELECT * FROM relay.ip_addresses()")
            assignments = await connection.fetch("SELECT * FROM relay.pool_assignments()")
        return Holdings(
            tuple(Pool(**row) for row in pools),
            tuple(_address(row) for row in addresses),
            {(row["reseller_id"], row["account_id"]): row["pool_id"] for row in assignments},
        )

    async def take(self, wishes: dict[Till, int]) -> dict[Till, int]:
        async with database_call(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT * FROM relay.take_allowance($1::relay.allowance[])",
                [(till.ip_id, till.provider, till.day, wanted) for till, wanted in wishes.items()],
            )
        return {Till(row["ip_id"], Provider(row["provider"]), row["day"]): row["recipients"] for row in rows}

    async def count(self, results: Sequence[HourResult]) -> None:
        async with database_call(self._pool) as connection:
            await connection.execute(
                "SELECT relay.count_address_results($1::relay.address_count[])",
                [_count(result) for result in results],
            )


def _address(row: asyncpg.Record) -> PooledAddress:
    return PooledAddress(
        Source(row["id"], row["address"], row["helo"]),
        row["pool_id"],
        ipaddress.ip_address(row["address"]).version,
        row["active"],
        Standing(row["standing"]),
        frozenset(Provider(name) for name in row["warming"]),
        row["absent"],
    )


def _count(result: HourResult) -> tuple[object, ...]:
    """The result as the composite type relay.address_count."""
    tally = result.tally
    return (
        result.ip_id,
        result.provider,
        result.hour,
        tally.delivered,
        tally.deferred,
        tally.throttled,
        tally.blocked,
        tally.bounced,
    )
