"""One SMTP transaction: MAIL, RCPT, DATA, the message, and what each recipient is answered (RFC 5321 3.3)."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from platform_core.mail.replies import Reply
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.bounces.classify import classify
from relay_worker.delivery.client import OUT_OF_TURN, Manners, SmtpClient
from relay_worker.delivery.downgrade import fitted
from relay_worker.delivery.extensions import Extensions
from relay_worker.delivery.tls.levels import IN_CLEAR, TlsAchieved
from relay_worker.delivery.transaction import INTERNAL_FAULT, Answer, Stage, Transaction
from relay_worker.queue.claims import Claimed

_LARGE = 262_144  # octets; below this the transport takes a message in one piece
BRISK_SECONDS = 1.0  # a server that takes a message in this time is told of the next one ahead
_COMMAND_BREAKING = re.compile(r"[\x00-\x1f\x7f<>]")

NOT_SENT = Reply(451, "4.4.2", "the connection ended before the message was sent")
TOO_LARGE = Reply(552, "5.3.4", "the message is larger than this mail server takes")
NO_SMTPUTF8 = Reply(553, "5.6.7", "the mail server takes no international addresses or headers (SMTPUTF8)")
UNSAYABLE = Reply(553, "5.1.3", "the address can't be said in SMTP")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opening:
    """The replies to everything before the message itself."""

    mail: Reply
    recipients: list[Reply]
    data: Reply


@dataclass(frozen=True, slots=True)
class Prepared:
    """A transaction as this server can take it, or why it need not be asked. `said`: its commands are on their way, behind
    the message before it.
    """

    asked: Transaction
    fitted: Transaction
    refusal: Reply | None
    mail: bytes
    recipients: list[bytes]
    started: float
    said: bool = False

    @property
    def commands(self) -> bytes:
        return b"".join([self.mail, *self.recipients, b"DATA\r\n"])

    @property
    def replies(self) -> int:
        return len(self.recipients) + 2


Following = Callable[[], Transaction | None]


def _nobody() -> None:
    return None


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
        self._begun: Prepared | None = None
        self._unheard = False
        self._brisk = False
        self.transactions = 0

    @property
    def usable(self) -> bool:
        return self._client.fault is None

    @property
    def begun(self) -> Transaction | None:
        """What was begun behind the message before it; nothing else may be sent before that."""
        return self._begun.asked if self._begun is not None else None

    def turned_away(self, answers: list[Answer]) -> bool:
        """True when a connection used before ended at MAIL, unheard or with a 421: a new one is worth a try.

        Servers close idle connections, and end others after so many messages; neither is about this message. Nor is what
        happens to the message that it was sent behind.
        """
        return (
            self.transactions > 1
            and answers[0].stage is Stage.MAIL
            and (self._client.lost or self._unheard or answers[0].reply.code == 421)
        )

    def quit(self) -> None:
        self._client.quit()

    async def leave(self) -> None:
        """Take leave, and return when the connection is closed: within 5 seconds."""
        await self._client.leave()

    def abort(self) -> None:
        self._client.abort()

    async def send(
        self, transaction: Transaction, started: float, following: Following = _nobody
    ) -> list[Answer]:
        """Send; an answer for each recipient, in order. Never raises: what goes wrong is an answer.

        `started` is `time.monotonic()` of the moment from which the duration counts. `following` is asked, when the message
        goes out, for the transaction that comes next: that is then `begun`, and spares a round trip (RFC 2920 3.1). A
        server that knows no pipelining, or has shown itself slow, is told of nothing ahead.
        """
        prepared = self._begun or self._prepare(transaction, started)
        self._begun = None
        if prepared.refusal is not None:
            refusals = [(prepared.refusal, Stage.MAIL)] * len(transaction.recipients)
            return self._answers(refusals, prepared.started)
        opening = await self._open(prepared)
        self.transactions += 1
        outcomes = await self._outcomes(prepared.fitted, opening, following)
        self._brisk = time.monotonic() - prepared.started < BRISK_SECONDS
        return self._answers(outcomes, prepared.started)

    def _prepare(self, transaction: Transaction, started: float) -> Prepared:
        try:
            return self._fit(transaction, started)
        except Exception:
            # That is this message's trouble, and neither the connection's nor that of the message it goes behind.
            message_id = str(transaction.recipients[0].message_id)
            log.exception("delivery.fitting_failed", message_id=message_id)
            return Prepared(transaction, transaction, INTERNAL_FAULT.reply, b"", [], started)

    def _fit(self, transaction: Transaction, started: float) -> Prepared:
        extensions = self._client.extensions
        message = fitted(transaction.message, extensions)
        ready = (
            transaction
            if message is None or message is transaction.message
            else replace(transaction, message=message)
        )
        return Prepared(
            transaction,
            ready,
            NO_SMTPUTF8 if message is None else _refuse(ready, extensions),
            _mail_command(ready, extensions),
            [_rcpt_command(claimed, dsn=extensions.dsn) for claimed in ready.recipients],
            started,
        )

    async def _open(self, prepared: Prepared) -> Opening:
        if self._client.extensions.pipelining:
            return await self._open_at_once(prepared)
        return await self._open_by_steps(prepared.mail, prepared.recipients)

    async def _open_at_once(self, prepared: Prepared) -> Opening:
        """All commands in one packet, and one wait for all replies (RFC 2920 3.1)."""
        reset = b"RSET\r\n" if self._needs_reset and not prepared.said else b""
        if not prepared.said:
            self._client.write(reset + prepared.commands)
        replies = await self._client.collect(
            prepared.replies + (1 if reset else 0), self._manners.command_seconds
        )
        self._unheard = prepared.said and replies[0] is self._client.fault
        first = 1 if reset else 0
        mailed, *answered = (_settled(reply) for reply in replies[first:-1])
        opening = Opening(mailed, answered, replies[-1])
        if prepared.said and self._goes_astray(opening):
            self._client.abort()
            self._unheard = True
            return Opening(OUT_OF_TURN, [OUT_OF_TURN] * len(answered), OUT_OF_TURN)
        return opening

    def _goes_astray(self, opening: Opening) -> bool:
        """True when replies to what was said ahead don't go together. A server that says a word too many of the message
        before shifts them all by one: then none is believed, and the message is said again on another connection.
        """
        accepted = any(reply.positive for reply in opening.recipients)
        heard = opening.data is not self._client.fault
        return accepted and heard and not (opening.mail.positive and opening.data.code == 354)

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

    async def _outcomes(
        self, transaction: Transaction, opening: Opening, following: Following
    ) -> list[tuple[Reply, Stage]]:
        """Reply and stage for each recipient; sends the message when anybody is to get it."""
        any_accepted = any(reply.positive for reply in opening.recipients)
        self._needs_reset = opening.data.code != 354
        if opening.data.code == 354 and any_accepted and opening.mail.positive:
            ending = await self._send_message(transaction, following), Stage.FINAL
        elif opening.data.code == 354:
            await self._send_nothing(any_accepted)
            ending = NOT_SENT, Stage.DATA
        else:
            ending = _refusal(opening.data), Stage.DATA
        if not opening.mail.positive:
            return [(opening.mail, Stage.MAIL)] * len(opening.recipients)
        return [ending if reply.positive else (reply, Stage.RCPT) for reply in opening.recipients]

    async def _send_message(self, transaction: Transaction, following: Following) -> Reply:
        message, ahead = transaction.message, 0
        if len(message.body) > _LARGE:
            # The body is shared by all copies of the message: joined with its head each would have one of its own.
            self._client.write(message.head)
            await self._client.write_slowly(message.body)
        else:
            begun = self._begin(following)
            ahead = begun.replies if begun is not None else 0
            self._client.write(message.wire + begun.commands if begun is not None else message.wire)
        sent_whole = self._client.fault is None
        reply = (await self._client.collect(1, self._manners.final_dot_seconds, ahead=ahead))[0]
        if reply is self._client.fault and sent_whole and reply.code != 421:
            return Reply(
                reply.code,
                reply.enhanced,
                f"{reply.text}, after the message was sent: it may have been delivered",
            )
        return _settled(reply)

    def _begin(self, following: Following) -> Prepared | None:
        """Take on what comes next; returned when its commands go out with the message that is under way."""
        if not (self._brisk and self._client.extensions.pipelining):
            return None
        transaction = following()
        if transaction is None:
            return None
        prepared = self._prepare(transaction, time.monotonic())
        self._begun = replace(prepared, said=prepared.refusal is None)
        return self._begun if self._begun.said else None

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
                    self._without_tls_demand(reply, stage),
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

    def _without_tls_demand(self, reply: Reply, stage: Stage) -> Reply:
        """A server that demands TLS while its TLS is broken has a passing fault: that must not bounce.

        530 says so by itself (RFC 3207 4); others have codes and words of their own for it, and say it later.
        """
        if not (self._tls_failed and reply.permanent):
            return reply
        if (
            reply.code != 530
            and classify(reply.code, reply.enhanced, reply.text, stage=stage) is not OutcomeClass.TLS_REQUIRED
        ):
            return reply
        return Reply(451, "4.7.5", f"the server demands TLS, which failed with it before: {reply.line()}")


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
