"""The part of a conversation that is open to everybody: mail that comes back to us (RFC 5321, RFC 3464, RFC 5965)."""

import re
from collections.abc import Awaitable

from platform_core.mail.replies import Reply
from relay_worker.inbound.door import InboundMail, InboundRecipient
from relay_worker.inbound.marks import POSTMASTER, InboundKind
from relay_worker.inbound.reception import Reception
from relay_worker.submission import replies
from relay_worker.submission.conversation import Conversation, want_nothing
from relay_worker.submission.data import without_dots
from relay_worker.submission.envelope import parse_mail, parse_rcpt
from relay_worker.submission.headers import MAX_HEADER_BYTES
from relay_worker.submission.limits import Hold
from relay_worker.submission.receive import receive_beginning
from relay_worker.submission.replies import Refused
from relay_worker.submission.services import Services

# A report has one recipient. The content is kept once for each, so many would be a way to fill our disks.
MOST_RECIPIENTS = 10

# RFC 5321 4.5.1: it needs no domain.
_PLAIN_POSTMASTER = re.compile(r"to: ?<postmaster>", re.IGNORECASE)
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


class InboundSession(Conversation):
    """MAIL, RCPT and DATA of a client that has not logged in, for our own addresses alone.

    Reports come from all kinds of software, so what a customer's app is refused for (bare line ends, a header out of
    order) is taken here: it goes to a parser of ours and nowhere else.
    """

    def __init__(self, services: Services, client: str) -> None:
        super().__init__(services, client)
        self._returns_to: dict[str, InboundRecipient] = {}

    def _set_post_data_state(self) -> None:
        super()._set_post_data_state()
        self._returns_to = {}

    @property
    def _reception(self) -> Reception:
        reception = self._services.reception
        assert reception is not None  # else no session is open to everybody
        return reception

    async def smtp_MAIL(self, argument: str) -> None:
        if not self._greeted:
            raise Refused(replies.GREET_FIRST)
        if self.in_transaction:
            raise Refused(replies.NESTED_MAIL)
        largest = self._services.settings.relay_max_message_bytes
        command = parse_mail(argument, largest=largest, extended=self._extended)
        await self._reception.check_client(self._client)
        self._transaction.mail_from = str(command.sender) if command.sender else ""
        self._transaction.smtputf8 = command.smtputf8
        self.say(replies.SENDER_OK)

    async def smtp_RCPT(self, argument: str) -> None:
        transaction = self._transaction
        if transaction.mail_from is None:
            raise Refused(replies.MAIL_FIRST)
        if _PLAIN_POSTMASTER.fullmatch(argument):
            self._returns_to[POSTMASTER] = InboundRecipient(None, InboundKind.POSTMASTER, POSTMASTER)
            transaction.rcpt_to[POSTMASTER] = POSTMASTER
            self.say(replies.RECIPIENT_OK)
            return
        try:
            address = parse_rcpt(argument, smtputf8=transaction.smtputf8, extended=self._extended).recipient
            if len(self._returns_to) >= MOST_RECIPIENTS and address.folded not in self._returns_to:
                raise Refused(replies.TOO_MANY_RECIPIENTS)
            recipient = await self._reception.admit(address, self._client)
        except Refused:
            transaction.refused_recipients += 1
            raise
        self._returns_to[address.folded] = recipient
        transaction.rcpt_to[address.folded] = str(address)
        self.say(replies.RECIPIENT_OK)

    async def smtp_DATA(self, argument: str) -> None:
        self._check_data_order(argument)
        self.say(replies.GO_AHEAD)
        try:
            verdict_reply = await self._take_message()
        finally:
            self._set_post_data_state()
        self._commands = 0
        self.say(verdict_reply)

    def _check_data_order(self, argument: str) -> None:
        transaction = self._transaction
        try:
            want_nothing(argument)
            if transaction.mail_from is None:
                raise Refused(replies.MAIL_FIRST)
            if not transaction.rcpt_to:
                # RFC 2920 3.1: a client that pipelines DATA after refused recipients learns it here.
                refused = transaction.refused_recipients
                raise Refused(replies.NO_VALID_RECIPIENTS if refused else replies.RCPT_FIRST)
        except Refused as refusal:
            if self.inbox.buffer:
                # The client did not wait for the 354 (RFC 2920 3.1 says it must): its message would be obeyed as
                # commands, perhaps in a session that is logged in.
                self.say(refusal.reply)
                raise Refused(replies.AHEAD_OF_REPLY, ends=True) from refusal
            raise

    async def _take_message(self) -> Reply:
        """Read the message and keep it; the reply to it. Raises Refused and Unavailable."""
        settings = self._services.settings
        with Hold(self._services.memory) as hold:
            # Some servers return all of a message with the bounce, however large; what it says stands above that.
            beginning = receive_beginning(self, hold, most=settings.inbound_max_message_bytes)
            content = without_dots(await self._receive(beginning))
            if _hops(content) > settings.relay_max_hops:
                raise Refused(replies.MAIL_LOOP)
            await self._reception.keep(self._mail(content))
        return replies.KEPT

    def _mail(self, content: bytes) -> InboundMail:
        return InboundMail(
            received_at=self._services.clock.now(),
            mail_from=self._transaction.mail_from or "",
            client_address=self._client,
            recipients=tuple(self._returns_to.values()),
            raw=content,
        )

    async def _receive(self, message: Awaitable[bytes]) -> bytes:
        self._reading_message = True
        try:
            data = await message
        except Refused:
            self._reading_message = False  # it was read through
            raise
        self._reading_message = False
        return data


def _hops(content: bytes) -> int:
    """How many servers the mail has passed (RFC 5321 6.3)."""
    header, _, _ = content[:MAX_HEADER_BYTES].partition(b"\r\n\r\n")
    return len(_RECEIVED.findall(header))
