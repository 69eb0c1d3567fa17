"""One SMTP conversation of a customer's app: which command may come when, and what it does (RFC 5321, RFC 6409)."""

import asyncio

import structlog

from platform_core.errors import SenderNotVerified, Unavailable
from platform_core.mail.replies import Reply
from relay_worker.inbound.session import InboundSession
from relay_worker.queue.door import Route, Submission, Verdict
from relay_worker.submission import replies
from relay_worker.submission.auth import (
    Credentials,
    active,
    decode_response,
    login_credentials,
    plain_credentials,
)
from relay_worker.submission.channel import ClientGone
from relay_worker.submission.envelope import parse_mail, parse_rcpt
from relay_worker.submission.inbox import Overlong
from relay_worker.submission.limits import Hold, Seat
from relay_worker.submission.message import Origin, compose
from relay_worker.submission.receive import receive
from relay_worker.submission.replies import Refused, accepted, held
from relay_worker.submission.services import Services

ROUTE_FRESH = 60.0  # seconds a session goes by what it knows of its account
ROUTE_STALE = 5.0  # seconds after which a refusal is checked against the database first

_LOGIN_USER = b"334 VXNlcm5hbWU6\r\n"  # "Username:", as every client of AUTH LOGIN expects it
_LOGIN_SECRET = b"334 UGFzc3dvcmQ6\r\n"  # "Password:"

log = structlog.get_logger()


class SmtpSession(InboundSession):
    """The commands that carry mail, and what the client has shown of itself so far."""

    def __init__(self, services: Services, client: str, seat: Seat, *, inbound: bool = False) -> None:
        """`client`: its address. `seat`: its place among the connections of that address, given back at the end.

        `inbound`: who has not logged in may bring what comes back to us.
        """
        super().__init__(services, client)
        self._inbound = inbound
        self._seats = [seat]
        self._route: Route | None = None
        self._route_read_at = 0.0
        self._origin: Origin | None = None

    # --- life ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._services.sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._services.sessions.discard(self)
        for seat in self._seats:
            self._services.connections.give_back(seat)
        super().connection_lost(error)

    def _forget(self) -> None:
        super()._forget()
        self._route = self._origin = None
        for seat in self._seats[1:]:  # the first is that of the address
            self._services.connections.give_back(seat)
        del self._seats[1:]

    # --- login ---

    async def smtp_AUTH(self, argument: str) -> None:
        self._check_login_order()
        mechanism, _, initial = argument.partition(" ")
        if not mechanism or " " in initial:
            raise Refused(replies.AUTH_SYNTAX)
        match mechanism.upper():
            case "PLAIN":
                credentials = plain_credentials(await self._response(initial, b"334 \r\n"))
            case "LOGIN":
                credentials = login_credentials(
                    await self._response(initial, _LOGIN_USER), await self._response("", _LOGIN_SECRET)
                )
            case _:
                raise Refused(replies.MECHANISM_UNKNOWN)
        await self._log_in(credentials)
        self.say(replies.LOGGED_IN)

    def _check_login_order(self) -> None:
        if not self._greeted or not self._extended:
            raise Refused(replies.GREET_FIRST)
        if self._route is not None:
            raise Refused(replies.LOGGED_IN_ALREADY)
        if not self._may_log_in:
            raise Refused(replies.ENCRYPT_FIRST)
        if self.in_transaction:
            raise Refused(replies.LOGIN_IN_TRANSACTION)  # RFC 4954 4

    async def _response(self, initial: str, challenge: bytes) -> bytes:
        """The client's response: what came with the command, else what it answers to the challenge."""
        if initial:
            return decode_response(initial)
        self.say_raw(challenge)
        line = await self.take_line()
        if line is None:
            raise ClientGone
        if isinstance(line, Overlong):
            raise Refused(replies.AUTH_LINE_TOO_LONG)
        if line == b"*":
            raise Refused(replies.AUTH_CANCELLED)
        return decode_response(line.decode("latin-1"))

    async def _log_in(self, credentials: Credentials) -> None:
        try:
            route = await self._services.logins.log_in(credentials, self._client)
        except Unavailable as error:
            log.warning("relay.login_unchecked", error=str(error))
            raise Refused(replies.AUTH_FAULT) from error
        await self._take_account_seat(route)
        self._route = route
        self._route_read_at = self.loop.time()

    async def _take_account_seat(self, route: Route) -> None:
        seat = await self._services.connections.take(
            f"relay:account:{route.reseller_id}:{route.account_id}",
            self._services.settings.relay_max_connections_per_account,
        )
        if seat is None:
            raise Refused(replies.TOO_MANY_OF_ACCOUNT, ends=True)
        self._seats.append(seat)
        if self.transport is None:
            self._services.connections.give_back(seat)  # the client left while Redis was asked

    # --- the transaction ---

    @property
    def _is_stranger(self) -> bool:
        """True for who has not logged in where none has to: only mail for our own addresses is taken."""
        return self._inbound and self._route is None

    async def smtp_MAIL(self, argument: str) -> None:
        if self._is_stranger:
            await super().smtp_MAIL(argument)
            return
        route = self._logged_in()
        if self.in_transaction:
            raise Refused(replies.NESTED_MAIL)
        largest = self._services.settings.relay_max_message_bytes
        command = parse_mail(argument, largest=largest, extended=self._extended)
        if command.sender is not None:
            await self._check_sender_domain(route, command.sender.domain)
        elif self._route_age > ROUTE_FRESH:
            await self._read_route_again(route)  # header From is held against it
        self._transaction.mail_from = str(command.sender) if command.sender else ""
        self._transaction.smtputf8 = command.smtputf8
        self._transaction.envelope_id = command.envelope_id
        self._transaction.dsn_return = command.dsn_return
        self.say(replies.SENDER_OK)

    def _logged_in(self) -> Route:
        if not self._greeted:
            raise Refused(replies.GREET_FIRST)
        if self._route is None:
            raise Refused(replies.LOG_IN_FIRST if self._may_log_in else replies.ENCRYPT_AND_LOG_IN_FIRST)
        return self._route

    async def _check_sender_domain(self, route: Route, domain: str) -> None:
        """Raises SenderNotVerified, and Unavailable. What a long session knows of its account is read anew now and then."""
        age = self._route_age
        if age > ROUTE_FRESH or (age > ROUTE_STALE and domain not in route.domains):
            try:
                route = await self._read_route_again(route)
            except Unavailable:
                if domain not in route.domains:
                    raise  # it may have been verified meanwhile
                # Else acceptance checks again, in the database itself.
        if domain not in route.domains:
            raise SenderNotVerified(domain)

    @property
    def _route_age(self) -> float:
        """Seconds since the account was last looked up."""
        return self.loop.time() - self._route_read_at

    async def _read_route_again(self, route: Route) -> Route:
        """Raises Unavailable, Refused, and suspensions."""
        found = await self._services.door.route(route.user_name)
        if found is None or found.verifier != route.verifier:
            raise Refused(replies.CREDENTIAL_SUSPENDED, ends=True)  # deleted, or its secret was changed
        self._route, self._route_read_at = active(found), self.loop.time()
        return found

    async def smtp_RCPT(self, argument: str) -> None:
        if self._is_stranger:
            await super().smtp_RCPT(argument)
            return
        self._logged_in()
        transaction = self._transaction
        if transaction.mail_from is None:
            raise Refused(replies.MAIL_FIRST)
        try:
            command = parse_rcpt(argument, smtputf8=transaction.smtputf8, extended=self._extended)
            recipient = command.recipient
            most = self._services.settings.relay_max_recipients
            if len(transaction.rcpt_to) >= most and recipient.folded not in transaction.rcpt_to:
                raise Refused(replies.TOO_MANY_RECIPIENTS)
        except Refused:
            transaction.refused_recipients += 1
            raise
        if command.dsn is not None and recipient.folded not in transaction.rcpt_to:
            transaction.dsn[recipient.folded] = command.dsn
        transaction.rcpt_to.setdefault(recipient.folded, str(recipient))
        self.say(replies.RECIPIENT_OK)

    def _check_data_order(self, argument: str) -> None:
        if not self._is_stranger:
            self._logged_in()
        super()._check_data_order(argument)

    async def _take_message(self) -> Reply:
        """Read the message and hand it in; the reply that acceptance earned. Raises Refused and SenderNotVerified."""
        if self._is_stranger:
            return await super()._take_message()
        largest = self._services.settings.relay_max_message_bytes
        with Hold(self._services.memory) as hold:
            submission = await self._accountable(await self._receive(receive(self, hold, largest=largest)))
            verdict = await self._services.batcher.submit(submission)
        if verdict is Verdict.ACCEPTED:
            return accepted(submission.message_id)
        if verdict is Verdict.HELD:
            return held(submission.message_id)
        raise Refused(replies.REFUSALS[verdict])

    async def _accountable(self, data: bytes) -> Submission:
        """The submission, of a domain in header From that may have been verified since the login."""
        try:
            return self._compose(data)
        except SenderNotVerified as error:
            await self._check_sender_domain(self._logged_in(), error.domain)
            return self._compose(data)

    def _compose(self, data: bytes) -> Submission:
        return compose(
            data,
            self._transaction,
            self._logged_in(),
            self._where_from(),
            now=self._services.clock.now(),
            most_hops=self._services.settings.relay_max_hops,
        )

    def _where_from(self) -> Origin:
        if self._origin is None or self._origin.client_helo != self._greeted:
            tls = self.tls
            cipher = tls.cipher() if tls is not None else None
            version = (tls.version() or "") if tls is not None else ""
            named = f"{version} {cipher[0]}" if cipher else version
            self._origin = Origin(self._client, self._greeted, named, version)
        return self._origin
