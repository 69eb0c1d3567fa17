"""Logging in: what a client's response says (RFC 4954, RFC 4616), and whether it is true."""

import binascii
from base64 import b64decode
from dataclasses import dataclass

import structlog

from platform_core.errors import (
    AccountSuspended,
    CredentialsRejected,
    CredentialSuspended,
    ResellerSuspended,
    TooManyAttempts,
)
from platform_core.security import SecretVerifier
from relay_worker.queue.door import Door, Route
from relay_worker.submission.guesses import GuessLimit
from relay_worker.submission.replies import AUTH_NOT_BASE64, Refused

MAX_USER_NAME = 255  # characters
_NOBODY = bytes(32)  # checked in place of a verifier that does not exist

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A user name and a secret as a client gave them. No repr: it would end in a log."""

    user_name: str
    secret: str


def decode_response(response: str) -> bytes:
    """The octets of a base64 response; "=" stands for none (RFC 4954 4). Raises Refused."""
    if response == "=":
        return b""
    try:
        return b64decode(response.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(AUTH_NOT_BASE64) from error


def plain_credentials(message: bytes) -> Credentials:
    """The message of PLAIN: [authzid] NUL authcid NUL passwd (RFC 4616 2).

    Raises Refused for another shape, CredentialsRejected when the client wants to act for somebody else.
    """
    try:
        acting_for, user_name, secret = message.decode("utf-8").split("\0")
    except ValueError as error:
        raise Refused(AUTH_NOT_BASE64) from error
    if acting_for not in ("", user_name):
        raise CredentialsRejected
    return Credentials(user_name, secret)


def login_credentials(user_name: bytes, secret: bytes) -> Credentials:
    """The two responses of LOGIN. Raises Refused when they are not UTF-8."""
    try:
        return Credentials(user_name.decode("utf-8"), secret.decode("utf-8"))
    except ValueError as error:
        raise Refused(AUTH_NOT_BASE64) from error


class Logins:
    """Checks credentials against the routes, and counts the guesses."""

    def __init__(self, door: Door, verifier: SecretVerifier, guesses: GuessLimit) -> None:
        self._door = door
        self._verifier = verifier
        self._guesses = guesses
        self.rejected = 0  # logins with a wrong name or secret

    async def log_in(self, credentials: Credentials, client: str) -> Route:
        """The route of these credentials. `client`: the address they came from.

        Raises TooManyAttempts, CredentialsRejected, ResellerSuspended, AccountSuspended, CredentialSuspended,
        Unavailable.
        """
        name = credentials.user_name
        if not 0 < len(name) <= MAX_USER_NAME or not name.isprintable():
            raise CredentialsRejected
        if await self._guesses.blocked(client, name):
            raise TooManyAttempts
        route = await self._door.route(name)
        # A user name that nobody has costs the same work, so that time does not tell the two apart.
        matches = self._verifier.matches(credentials.secret, _NOBODY if route is None else route.verifier)
        if route is None or not matches:
            self.rejected += 1
            await self._guesses.failed(client, name)
            log.info("relay.login_rejected", client=client, user_name=name)
            raise CredentialsRejected
        await self._guesses.succeeded(client, name)
        return active(route)


def active(route: Route) -> Route:
    """`route` when all it leads through may send. Raises the suspension that is nearest to the platform."""
    if not route.reseller_active:
        raise ResellerSuspended
    if not route.account_active:
        raise AccountSuspended
    if not route.credential_active:
        raise CredentialSuspended
    return route
