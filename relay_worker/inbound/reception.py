"""Who may bring mail back to us and for which addresses: what all sessions of one relay process share."""

import asyncio

import structlog

from platform_core.mail.addresses import Address
from platform_core.settings import Settings
from relay_worker.inbound.door import InboundMail, InboundRecipient, Intake
from relay_worker.inbound.marks import Marks, customer_domain
from relay_worker.inbound.rate import InboundRate
from relay_worker.submission import replies
from relay_worker.submission.replies import Refused
from relay_worker.submission.shared import SharedMemory

log = structlog.get_logger()


class Reception:
    """Decides and keeps. We are the last stop of such mail: it is never sent on, and nobody gets mail because of it."""

    def __init__(self, intake: Intake, marks: Marks, rate: InboundRate) -> None:
        self._intake = intake
        self._marks = marks
        self._rate = rate
        self._ringing: asyncio.Task[None] | None = None

    @classmethod
    def from_settings(cls, settings: Settings, intake: Intake, shared: SharedMemory) -> "Reception":
        rate = InboundRate(
            shared,
            messages=settings.inbound_max_messages_per_address,
            refusals=settings.inbound_max_refusals_per_address,
        )
        return cls(intake, Marks.from_secret(settings.secret_key.get_secret_value()), rate)

    async def check_client(self, client: str) -> None:
        """Raises Refused, which ends the session, when this address has had its share."""
        if await self._rate.blocked(client):
            raise Refused(replies.TOO_MUCH_FROM_ADDRESS, ends=True)

    async def admit(self, address: Address, client: str) -> InboundRecipient:
        """The recipient that `address` stands for. Raises Refused for whatever is not ours, and Unavailable."""
        addressee = self._marks.addressee(address.local)
        mark = addressee.mark if addressee is not None and addressee.only_while_known else None
        owner = await self._intake.door.owner(
            address.domain,
            customer_domain(address.domain) if addressee is None or addressee.at_customers else "",
            mark.message_id if mark is not None else None,
        )
        if addressee is not None and owner.reseller_id is not None:
            return InboundRecipient(owner.reseller_id, addressee.kind, str(address))
        await self._rate.refused(client)
        raise Refused(replies.NO_SUCH_INBOUND_ADDRESS if owner.ours else replies.RELAYING_DENIED)

    async def keep(self, mail: InboundMail) -> None:
        """Write the mail and wake who reads it. Durable when it returns. Raises Unavailable."""
        await self._intake.door.keep(mail)
        await self._rate.took(mail.client_address)
        # Beside the reply. While one ring is under way there is no other: what it misses the sweep finds.
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.get_running_loop().create_task(self._ring())

    async def close(self) -> None:
        """Wait until the last bell has rung."""
        if self._ringing is not None:
            await asyncio.wait({self._ringing})

    async def _ring(self) -> None:
        try:
            await self._intake.ring()
        except Exception as error:
            log.warning("inbound.bell_failed", error=repr(error))
