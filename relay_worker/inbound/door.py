"""What goes through the door into Postgres when mail comes back: whose address is this, and here is a mail for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from platform_core.ids import MessageId, ResellerId
from relay_worker.inbound.marks import InboundKind


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an address is. `ours`: the host is one of ours; `reseller_id` None: yet it has no such address."""

    ours: bool
    reseller_id: ResellerId | None


@dataclass(frozen=True, slots=True)
class InboundRecipient:
    """One address of ours that a mail is for; without a reseller it is the platform's postmaster."""

    reseller_id: ResellerId | None
    kind: InboundKind
    rcpt_to: str


@dataclass(frozen=True, slots=True)
class InboundMail:
    """A mail as it came, without the dots of its transfer. `mail_from` is "" for the null sender."""

    received_at: datetime
    mail_from: str
    client_address: str
    recipients: tuple[InboundRecipient, ...]
    raw: bytes


class InboundDoor(Protocol):
    """The relay's way into the database for mail that comes back. Both methods raise Unavailable."""

    async def owner(self, host: str, domain: str, message_id: MessageId | None) -> Owner:
        """Whose address at `host` this is. `domain`: the customer's whose return-path host it would be, or "".

        With a `message_id` only a reseller that has this message is its owner.
        """
        ...

    async def keep(self, mail: InboundMail) -> None:
        """Write the mail, once for each recipient. Durable when it returns."""
        ...


@dataclass(frozen=True, slots=True)
class Intake:
    """What a relay needs to take mail that comes back. `ring`: called when there is some to be read."""

    door: InboundDoor
    ring: Callable[[], Awaitable[None]]
