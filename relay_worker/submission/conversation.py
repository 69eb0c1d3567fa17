"""The frame of a conversation: commands in, replies out, and how it ends; what they mean for mail is `session.py`'s."""

import asyncio
import ipaddress
import math
import re

import structlog

from platform_core.errors import FrankpostError
from platform_core.mail.replies import Reply
from relay_worker.submission import replies
from relay_worker.submission.channel import Channel, ClientGone
from relay_worker.submission.envelope import Transaction
from relay_worker.submission.inbox import Overlong
from relay_worker.submission.replies import Refused, reply_to
from relay_worker.submission.services import Services

# RFC 5321 4.5.3.1.4 with what the extensions add (RFC 1870 3, RFC 6152 2, RFC 6531 3.4, RFC 4954 3), without CRLF.
_MAX_COMMAND = 510
_MAX_MAIL = _MAX_COMMAND + 26 + 17 + 10 + 500
_MAX_COMMANDS = {"MAIL": _MAX_MAIL, "AUTH": 12_286}
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
# Browsers, and web pages that make browsers post to other ports, speak HTTP; others begin TLS where STARTTLS belongs.
_NOT_SMTP = re.compile(
    rb"(?:GET|POST|PUT|HEAD|DELETE|OPTIONS|CONNECT|TRACE|PATCH|PRI) |(?:Host|User-Agent|Content-Length):|\x16\x03",
    re.IGNORECASE,
)

log = structlog.get_logger()


class Conversation(Channel):
    """aiosmtpd's session with a loop of our own and the commands that carry no mail.

    Commands raise `Refused` (or an error of the house) instead of replying themselves; `_obey` is the one place that
    turns these into replies, counts them, and keeps a fault of ours from showing its inside.
    """

    def __init__(self, services: Services, client: str) -> None:
        settings = services.settings
        super().__init__(
            asyncio.get_running_loop(),
            largest=settings.relay_max_message_bytes,
            host=settings.relay_neutral_host,
        )
        self._services = services
        self._client = client
        self._transaction = Transaction()
        self._errors = 0
        self._commands = 0
        self._reading_message = False
        self._over = False

    @property
    def in_transaction(self) -> bool:
        """True from MAIL until the reply to the message."""
        return self._transaction.mail_from is not None

    def _set_post_data_state(self) -> None:
        """The parent calls this wherever a transaction ends (RFC 5321 4.1.1.5)."""
        self.envelope = self._create_envelope()
        self._transaction = Transaction()

    # --- its end ---

    def check_time(self, now: float) -> None:
        """End the session when its client was silent, or it has lasted, too long. Called by the clock over all sessions."""
        settings = self._services.settings
        self.cut_if_lingering(now)
        if now - self.waiting_since > settings.relay_idle_seconds:
            self.end_waiting(replies.IDLE_TOO_LONG)
        elif now - self.began > settings.relay_session_seconds:
            # A message in transfer may still come to its end, if that takes no longer than silence may.
            late = now - self.began > settings.relay_session_seconds + settings.relay_idle_seconds
            if late or not self.in_transaction:
                self.end_waiting(replies.SESSION_TOO_LONG)

    def dismiss(self) -> None:
        """The relay stops: a session without a transaction ends now, another after it."""
        if not self.in_transaction:
            self.end_waiting(replies.GOING_DOWN)

    def end_waiting(self, reply: Reply) -> None:
        """End the session with `reply`, if it waits for its client."""
        # A session at work is let be: it comes back to waiting, and its client must learn what became of its message.
        if self.waiting_since == math.inf:
            return
        self._over = True
        if self.stalled:
            self.drop()
        else:
            self.hang_up(reply)

    # --- the conversation ---

    async def _handle_client(self) -> None:
        """In place of the parent's loop: greet, then one command after the other."""
        try:
            self.say_raw(f"220 {self._host} ESMTP\r\n".encode())
            while not self._over:
                line = await self.take_line()
                if line is None:
                    break
                await self._obey(line)
                self._leave_if_due()
            self.hang_up()
        except ClientGone:
            self.drop()
        except Exception as error:
            log.error("relay.session_broken", client=self._client, exc_info=error)
            self.drop()

    async def _obey(self, line: bytes | Overlong) -> None:
        try:
            await self._command(line)
        except Refused as refusal:
            self._refuse(refusal.reply, ends=refusal.ends)
        except FrankpostError as error:
            self._refuse(reply_to(error))
        except ClientGone:
            raise
        except Exception as error:
            self._report(error)

    async def _command(self, line: bytes | Overlong) -> None:
        if isinstance(line, Overlong):
            raise Refused(replies.LINE_TOO_LONG)
        if _NOT_SMTP.match(line):
            self._over = True
            return
        verb, argument = _split(line)
        method = self._smtp_methods.get(verb)
        if method is None:
            raise Refused(replies.COMMAND_UNKNOWN)
        self._commands += 1
        if self._commands > self._services.settings.relay_max_commands:
            raise Refused(replies.TOO_MANY_COMMANDS, ends=True)
        await method(argument)

    def _refuse(self, reply: Reply, *, ends: bool = False) -> None:
        self.say(reply)
        self._over = self._over or ends or reply.code == 421
        self._errors += reply.permanent
        if self._errors > self._services.settings.relay_max_errors and not self._over:
            self.say(replies.TOO_MANY_ERRORS)
            self._over = True

    def _report(self, error: Exception) -> None:
        """An unknown error is a fault of ours: logged in full, told as a temporary one."""
        log.error("relay.session_fault", client=self._client, exc_info=error)
        self.say(replies.TEMPORARY_FAULT)
        # Where in the input the message ends is not known any more: reading on could take mail for commands.
        self._over = self._over or self._reading_message

    def _leave_if_due(self) -> None:
        """Between transactions, a session whose time is over or whose relay stops goes by itself."""
        if self.in_transaction or self._over:
            return
        if self._services.stopping:
            self.say(replies.GOING_DOWN)
            self._over = True
        elif self.loop.time() - self.began > self._services.settings.relay_session_seconds:
            self.say(replies.SESSION_TOO_LONG)
            self._over = True

    # --- greeting, TLS ---

    @property
    def _host(self) -> str:
        """The name to greet with: that of the certificate shown. Never the platform's."""
        return self.tls_host or self._services.settings.relay_neutral_host

    async def smtp_HELO(self, argument: str) -> None:
        self._greet(argument, extended=False)
        self.say_raw(f"250 {self._host}\r\n".encode())

    async def smtp_EHLO(self, argument: str) -> None:
        self._greet(argument, extended=True)
        lines = [self._host, f"SIZE {self._services.settings.relay_max_message_bytes}"]
        lines += ["8BITMIME", "PIPELINING", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN"]
        if self.tls is None:
            lines.append("STARTTLS")
        if self._may_log_in:
            lines.append("AUTH PLAIN LOGIN")
        self.say_raw("".join(f"250-{line}\r\n" for line in lines[:-1]).encode())
        self.say_raw(f"250 {lines[-1]}\r\n".encode())

    def _greet(self, name: str, *, extended: bool) -> None:
        if not 0 < len(name) <= 255 or " " in name:
            raise Refused(replies.HELO_NAME_WANTED)
        self._set_post_data_state()
        self.session.host_name = name  # type: ignore[union-attr]  # set as soon as the connection is made
        self.session.extended_smtp = extended  # type: ignore[union-attr]

    @property
    def _greeted(self) -> str:
        return self.session.host_name or ""  # type: ignore[union-attr]

    @property
    def _extended(self) -> bool:
        return self.session.extended_smtp  # type: ignore[union-attr]

    @property
    def _may_log_in(self) -> bool:
        """RFC 4954 4: no password where it can be read on the wire."""
        return self.tls is not None or (
            self._services.settings.relay_allow_plaintext_loopback_auth
            and ipaddress.ip_address(self._client).is_loopback
        )

    async def smtp_STARTTLS(self, argument: str) -> None:
        want_nothing(argument)
        if self.tls is not None:
            raise Refused(replies.TLS_ALREADY)
        self.say(replies.READY_FOR_TLS)
        await self.start_tls(self._services.certificates.default)
        self._forget()

    def _forget(self) -> None:
        """RFC 3207 4.2: all that was learnt in clear is forgotten."""
        self.session = self._create_session()
        self._set_post_data_state()

    # --- the rest ---

    async def smtp_RSET(self, argument: str) -> None:
        want_nothing(argument)
        self._set_post_data_state()
        self.say(replies.OK)

    async def smtp_NOOP(self, argument: str) -> None:
        self.say(replies.OK)  # RFC 5321 4.1.1.9: an argument is ignored

    async def smtp_QUIT(self, argument: str) -> None:
        want_nothing(argument)
        self.say(replies.BYE)
        self._over = True

    async def smtp_VRFY(self, argument: str) -> None:
        if not argument:
            raise Refused(replies.VRFY_SYNTAX)
        self.say(replies.WILL_NOT_VERIFY)

    async def smtp_HELP(self, argument: str) -> None:
        self.say(replies.HELP)

    async def smtp_EXPN(self, argument: str) -> None:
        raise Refused(replies.COMMAND_NOT_IMPLEMENTED)


def _split(line: bytes) -> tuple[str, str]:
    """Command in upper case and argument. Raises Refused for anything but printable text.

    Octets beyond ASCII are UTF-8, and only addresses have them (RFC 6531 3.3).
    """
    if _CONTROL.search(line):
        raise Refused(replies.NOT_SMTP_TEXT)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(replies.NOT_SMTP_TEXT) from error
    verb, _, argument = text.partition(" ")
    verb = verb.upper()
    if verb not in ("MAIL", "RCPT") and not text.isascii():
        raise Refused(replies.NOT_SMTP_TEXT)
    if len(line) > _MAX_COMMANDS.get(verb, _MAX_COMMAND):
        raise Refused(replies.AUTH_LINE_TOO_LONG if verb == "AUTH" else replies.LINE_TOO_LONG)
    return verb, argument.strip(" ")


def want_nothing(argument: str) -> None:
    if argument:
        raise Refused(replies.NO_ARGUMENT_WANTED)
