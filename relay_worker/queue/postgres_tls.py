"""The book of transport security, in Postgres."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from relay_worker.queue.postgres import database_call
from relay_worker.queue.tls_book import KeptPolicy, TlsCount


class PostgresTlsBook:
    """`queue.tls_book.TlsBook` over asyncpg."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def policies(self, since: datetime) -> list[KeptPolicy]:
        async with database_call(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM relay.mta_sts_policies($1)", since)
        return [
            KeptPolicy(row["domain"], row["id"], row["policy"], row["fetched_at"], row["expires_at"])
            for row in rows
        ]

    async def keep(self, policy: KeptPolicy) -> None:
        async with database_call(self._pool) as connection:
            await connection.execute(
                "SELECT relay.keep_mta_sts_policy($1, $2, $3, $4, $5)",
                policy.domain,
                policy.id,
                policy.text,
                policy.fetched_at,
                policy.expires_at,
            )

    async def count(self, counts: Sequence[TlsCount]) -> None:
        async with database_call(self._pool) as connection:
            await connection.execute(
                "SELECT relay.count_tls($1::relay.tls_count[])", [_count_row(count) for count in counts]
            )


def _count_row(count: TlsCount) -> tuple[object, ...]:
    """The count as the composite type relay.tls_count."""
    return (
        count.day,
        count.domain,
        count.policy_type,
        count.mx_host,
        count.result,
        count.sessions,
        list(count.policy),
    )
