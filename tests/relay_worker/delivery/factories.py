"""Claimed recipients, messages and a queue in memory that honours `Claims`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

from platform_core.errors import Unavailable
from platform_core.ids import AccountId, MessageId, ResellerId, new_message_id
from platform_core.mail.states import RecipientState
from relay_worker.delivery.transaction import Outgoing, Transaction
from relay_worker.queue.claims import Claimed, Result, SenderIdentity

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
RAW = (
    b"From: Shop <news@shop.test>\r\nTo: you@example.test\r\nSubject: Hello\r\n"
    b"Date: Mon, 02 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@shop.test>\r\n\r\nHello there,\r\n.dots too.\r\n"
)
SENDER = SenderIdentity("shop.test", "fp1", None, "bounce.shop.test", "smtp.agency.test")


def recipient(rcpt_to: str = "you@example.test", **changes: object) -> Claimed:
    """One due recipient; `raw` comes with it unless said otherwise."""
    domain = rcpt_to.rpartition("@")[2]
    claimed = Claimed(
        reseller_id=ResellerId(1),
        account_id=AccountId(2),
        message_id=new_message_id(NOW),
        n=0,
        lane=crc32(domain.encode()),
        rcpt_to=rcpt_to,
        domain=domain,
        attempts=0,
        accepted_at=NOW,
        expires_at=datetime.now(UTC) + timedelta(hours=72),
        mail_from="news@shop.test",
        header_from="news@shop.test",
        smtputf8=False,
        body_8bit=False,
        size=len(RAW),
        raw=RAW,
    )
    return replace(claimed, **changes)


def message_to(*addresses: str, raw: bytes = RAW) -> list[Claimed]:
    """One message to several recipients; the bytes come with the first."""
    message_id = new_message_id(NOW)
    return [
        recipient(address, message_id=message_id, n=n, raw=None if n else raw, size=len(raw))
        for n, address in enumerate(addresses)
    ]


def transaction_to(
    *addresses: str, content: bytes = b"Subject: Hello\r\n\r\nHello\r\n", **changes: object
) -> Transaction:
    """A transaction as the client takes it, for one message without dots at line starts."""
    head, _, body = content.partition(b"\r\n\r\n")
    outgoing = Outgoing(head + b"\r\n\r\n", body + b".\r\n", len(content), False, False)
    transaction = Transaction(outgoing, "b-1@bounce.shop.test", tuple(message_to(*addresses)))
    return replace(transaction, **changes)


@dataclass
class InMemoryClaims:
    """The queue without a database. Leases last until the result; `down` makes every call fail."""

    due: list[Claimed] = field(default_factory=list)
    identity: SenderIdentity = SENDER
    bodies: dict[MessageId, bytes] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    renewed: list[tuple[MessageId, int]] = field(default_factory=list)
    excluded: list[list[int]] = field(default_factory=list)
    postponed: list[tuple[tuple[MessageId, int], datetime]] = field(default_factory=list)
    handed: list[tuple[tuple[MessageId, int], int]] = field(default_factory=list)
    down: bool = False

    async def claim(self, limit: int, *, exclude_lanes: Sequence[int] = ()) -> list[Claimed]:
        await self._answer()
        self.excluded.append(list(exclude_lanes))
        taken = [claimed for claimed in self.due if claimed.lane not in exclude_lanes][:limit]
        keys = {(claimed.message_id, claimed.n) for claimed in taken}
        self.due = [claimed for claimed in self.due if (claimed.message_id, claimed.n) not in keys]
        return taken

    async def body(self, reseller_id: ResellerId, message_id: MessageId) -> bytes:
        await self._answer()
        return self.bodies[message_id]

    async def sender(self, reseller_id: ResellerId, account_id: AccountId, domain: str) -> SenderIdentity:
        await self._answer()
        return self.identity

    async def postpone(self, recipients: Sequence[tuple[MessageId, int]], until: Sequence[datetime]) -> None:
        await self._answer()
        self.postponed += zip(recipients, until, strict=True)

    async def hand_over(self, recipients: Sequence[tuple[MessageId, int]], addresses: Sequence[int]) -> None:
        await self._answer()
        self.handed += zip(recipients, addresses, strict=True)

    async def claim_handed(
        self, limit: int, addresses: Sequence[int], *, exclude_lanes: Sequence[int] = ()
    ) -> list[Claimed]:
        await self._answer()
        return []

    async def post(self, older: timedelta = timedelta()) -> int:
        """Nothing is kept in a log here."""
        return 0

    async def finish(self, results: Sequence[Result]) -> None:
        await self._answer()
        self.results += results
        self.batches.append(len(results))

    async def renew(self, recipients: Sequence[tuple[MessageId, int]]) -> None:
        await self._answer()
        self.renewed += recipients

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("The database is away.")

    def states(self) -> dict[int, RecipientState]:
        return {result.n: result.state for result in self.results}
