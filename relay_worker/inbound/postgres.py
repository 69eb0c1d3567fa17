"""The door for mail that comes back, in Postgres."""

import asyncpg

from platform_core.ids import MessageId
from relay_worker.inbound.door import InboundMail, Owner
from relay_worker.queue.postgres import database_call


class PostgresInbound:
    """`inbound.door.InboundDoor` over asyncpg."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def owner(self, host: str, domain: str, message_id: MessageId | None) -> Owner:
        async with database_call(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT * FROM relay.inbound_owner($1, $2, $3)", host, domain, message_id
            )
        return Owner(row["ours"], row["reseller_id"])

    async def keep(self, mail: InboundMail) -> None:
        async with database_call(self._pool) as connection:
            await connection.execute(
                "SELECT relay.keep_inbound($1, $2, $3, $4, $5, $6, $7)",
                mail.received_at,
                mail.mail_from,
                mail.client_address,
                mail.raw,
                [recipient.reseller_id for recipient in mail.recipients],
                [recipient.kind for recipient in mail.recipients],
                [recipient.rcpt_to for recipient in mail.recipients],
            )
