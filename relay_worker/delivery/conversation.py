"""One SMTP transaction: MAIL, RCPT, DATA, the message, and what each recipient is answered (RFC 5321 3.3)."""

import re
import time
from dataclasses import dataclass, replace

from platform_core.mail.replies import Reply
from relay_worker.delivery.client import Manners, SmtpClient
from relay_worker.delivery.downgrade import fitted
from relay_worker.delivery.extensions import Extensions
from relay_worker.delivery.tls.levels import IN_CLEAR, TlsAchieved
from relay_worker.delivery.transaction import Answer, Stage, Transaction
from relay_worker.queue.claims import Claimed

_LARGE = 262_144  # octets; below this the transport takes a message in one piece
_COMMAND_BREAKING = re.compile(r"[\x00-\x1f\x7f<>]")

NOT_SENT = Reply(451, "4.4.2", "the connection ended before the message was sent")
TOO_LARGE = Reply(552, "5.3.4", "the message is larger than this mail server takes")
NO_SMTPUTF8 = Reply(553, "5.6.7", "the mail server takes no international addresses or headers (SMTPUTF8)")
UNSAYABLE = Reply(553, "5.1.3", "the address can't be said in SMTP")


@dataclass(frozen=True, slots=True)
class Opening:
    """The replies to everything before the message itself."""

    mail: Reply
    recipients: list[Reply]
    data: Reply


class Conversation:
    """A greeted connection and the transactions on it, one after another. `tls`: how well it is protected."""

    def __init__(
        self,
        client: SmtpClient,
        manners: Manners,
        host: str,
        address: str,
        *,
        tls_failed: bool,
        tls: TlsAchieved = IN_CLEAR,
        source: str = "",
    ) -> None:
        self._client = client
        self.tls = tls
        self._tls_failed = tls_failed
        self._manners = manners
        self._needs_reset = False
        self._host = host
        self._address = address
        self._source = source
        self.transactions = 0

    @property
    def usable(self) -> bool:
        return self._client.fault is None

    def turned_away(self, answers: list[Answer]) -> bool:
        """True when a connection used before ended at MAIL, unheard or with a 421: a new one is worth a try.

        Servers close idle connections, and end others after so many messages; neither is about this message.
        """
        return (
            self.transactions > 1
            and answers[0].stage is Stage.MAIL
            and (self._client.lost or answers[0].reply.code == 421)
        )

    def quit(self) -> None:
        self._client.quit()

    async def leave(self) -> None:
        """Take leave, and return when the connection is closed: within 5 seconds."""
        await self._client.leave()

    def abort(self) -> None:
        self._client.abort()

    async def send(self, transaction: Transaction, started: float) -> list[Answer]:
        """Send; an answer for each recipient, in order. Never raises: what goes wrong is an answer.

        `started` is `time.monotonic()` of the moment from which the duration counts.
        """
        message = fitted(transaction.message, self._client.extensions)
        if message is not None:
            transaction = replace(transaction, message=message)
        refusal = NO_SMTPUTF8 if message is None else _refuse(transaction, self._client.extensions)
        if refusal is not None:
            return self._answers([(refusal, Stage.MAIL)] * len(transaction.recipients), started)
        opening = self._without_tls_demand(await self._open(transaction))
        self.transactions += 1
        return self._answers(await self._outcomes(transaction, opening), started)

    async def _open(self, transaction: Transaction) -> Opening:
        mail = _mail_command(transaction, self._client.extensions)
        dsn = self._client.extensions.dsn
        recipients = [_rcpt_command(claimed, dsn=dsn) for claimed in transaction.recipients]
        if self._client.extensions.pipelining:
            return await self._open_at_once(mail, recipients)
        return await self._open_by_steps(mail, recipients)

    async def _open_at_once(self, mail: bytes, recipients: list[bytes]) -> Opening:
        """All commands in one packet, and one wait for all replies (RFC 2920 3.1)."""
        reset = b"RSET\r\n" if self._needs_reset else b""
        self._client.write(b"".join([reset, mail, *recipients, b"DATA\r\n"]))
        replies = await self._client.collect(
            len(recipients) + (3 if reset else 2), self._manners.command_seconds
        )
        first = 1 if reset else 0
        mailed, *answered = (_settled(reply) for reply in replies[first:-1])
        return Opening(mailed, answered, replies[-1])

    async def _open_by_steps(self, mail: bytes, recipients: list[bytes]) -> Opening:
        if self._needs_reset:
            await self._client.command(b"RSET\r\n")
        mailed = _settled(await self._client.command(mail))
        if not mailed.positive:
            return Opening(mailed, [mailed] * len(recipients), mailed)
        answered = [_settled(await self._client.command(recipient)) for recipient in recipients]
        if not any(reply.positive for reply in answered):
            return Opening(mailed, answered, answered[-1])
        return Opening(mailed, answered, await self._client.command(b"DATA\r\n"))

    def _without_tls_demand(self, opening: Opening) -> Opening:
        """A server that demands TLS (530, RFC 3207 4) while its TLS is broken has a passing fault: that must not bounce."""
        if not self._tls_failed or opening.mail.code != 530:
            return opening
        reply = Reply(
            451, "4.7.5", f"the server demands TLS, which failed with it before: {opening.mail.line()}"
        )
        return replace(opening, mail=reply)

    async def _outcomes(self, transaction: Transaction, opening: Opening) -> list[tuple[Reply, Stage]]:
        """Reply and stage for each recipient; sends the message when anybody is to get it."""
        any_accepted = any(reply.positive for reply in opening.recipients)
        self._needs_reset = opening.data.code != 354
        if opening.data.code == 354 and any_accepted and opening.mail.positive:
            ending = await self._send_message(transaction), Stage.FINAL
        elif opening.data.code == 354:
            await self._send_nothing(any_accepted)
            ending = NOT_SENT, Stage.DATA
        else:
            ending = _refusal(opening.data), Stage.DATA
        if not opening.mail.positive:
            return [(opening.mail, Stage.MAIL)] * len(opening.recipients)
        return [ending if reply.positive else (reply, Stage.RCPT) for reply in opening.recipients]

    async def _send_message(self, transaction: Transaction) -> Reply:
        message = transaction.message
        if len(message.body) > _LARGE:
            # The body is shared by all copies of the message: joined with its head each would have one of its own.
            self._client.write(message.head)
            await self._client.write_slowly(message.body)
        else:
            self._client.write(message.wire)
        sent_whole = self._client.fault is None
        reply = (await self._client.collect(1, self._manners.final_dot_seconds))[0]
        if reply is self._client.fault and sent_whole and reply.code != 421:
            return Reply(
                reply.code,
                reply.enhanced,
                f"{reply.text}, after the message was sent: it may have been delivered",
            )
        return _settled(reply)

    async def _send_nothing(self, any_accepted: bool) -> None:
        """RFC 2920 3.1: a server that refused all and still says 354 gets an empty message, which it refuses.

        One that refused the sender alone might deliver that: there we leave.
        """
        if any_accepted:
            self._client.abort()
            return
        self._client.write(b".\r\n")
        await self._client.collect(1, self._manners.command_seconds)

    def _answers(self, outcomes: list[tuple[Reply, Stage]], started: float) -> list[Answer]:
        shared = sum(1 for _, stage in outcomes if stage is not Stage.RCPT) or 1
        milliseconds = int((time.monotonic() - started) * 1000)
        known: dict[tuple[int, Stage], Answer] = {}
        for reply, stage in outcomes:
            if (id(reply), stage) not in known:
                known[id(reply), stage] = Answer(
                    reply,
                    stage,
                    1 if stage is Stage.RCPT else shared,
                    self._host,
                    self._address,
                    self._source,
                    self._client.tls_version,
                    milliseconds,
                    reports=self._client.extensions.dsn,
                    tls_trust=self.tls.trust,
                )
        return [known[id(reply), stage] for reply, stage in outcomes]


def _refuse(transaction: Transaction, extensions: Extensions) -> Reply | None:
    """What this server need not be asked, because it has said that it can't."""
    addresses = (transaction.mail_from, *(claimed.rcpt_to for claimed in transaction.recipients))
    if any(_COMMAND_BREAKING.search(address) for address in addresses):
        return UNSAYABLE
    if transaction.needs_smtputf8 and not extensions.smtputf8:
        return NO_SMTPUTF8
    if extensions.size is not None and transaction.message.size > extensions.size:
        return TOO_LARGE
    return None


def _mail_command(transaction: Transaction, extensions: Extensions) -> bytes:
    """MAIL with the parameters the server knows."""
    parameters = b" SIZE=%d" % transaction.message.size if extensions.size_offered else b""
    if extensions.eight_bit_mime and transaction.message.body_8bit:
        parameters += b" BODY=8BITMIME"
    if extensions.smtputf8 and transaction.needs_smtputf8:
        parameters += b" SMTPUTF8"
    if extensions.dsn:
        parameters += _dsn_of_message(transaction.recipients[0])
    return b"MAIL FROM:<%b>%b\r\n" % (transaction.mail_from.encode(), parameters)


def _dsn_of_message(claimed: Claimed) -> bytes:
    """RET and ENVID as the sender gave them (RFC 3461 5.2.1)."""
    words = b" RET=%b" % claimed.dsn_return.encode() if claimed.dsn_return else b""
    return words + b" ENVID=%b" % claimed.envelope_id.encode() if claimed.envelope_id else words


def _rcpt_command(claimed: Claimed, *, dsn: bool) -> bytes:
    """RCPT; with NOTIFY and ORCPT as the sender gave them where the server knows them."""
    asked = b" " + claimed.dsn.encode() if dsn and claimed.dsn else b""
    return b"RCPT TO:<%b>%b\r\n" % (claimed.rcpt_to.encode(), asked)


def _settled(reply: Reply) -> Reply:
    """The reply, unless it is a 3xx: that asks for more, where there is no more, and promises nothing."""
    return _refusal(reply) if reply.code // 100 == 3 else reply


def _refusal(reply: Reply) -> Reply:
    """The reply where only a refusal makes sense; a positive one is taken as a passing fault of the server."""
    return Reply(451, "4.5.0", f"unexpected reply: {reply.line()}") if reply.positive else reply
