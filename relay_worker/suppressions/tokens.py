"""Tokens by which a recipient says that it wants no more mail: in a link, and in the local part of an address."""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from uuid import UUID

from platform_core.ids import AccountId, MessageId, ResellerId
from platform_core.security import derive_key
from relay_worker.delivery.verp import ReturnPaths

MAILBOX = "unsubscribe+"
LINK_PATH = "/u/"
MAX_TOKEN = 512  # characters: the longest address makes 404

_CHECK_BYTES = 16
_HEAD = struct.Struct(">IQ16sH")  # reseller, account, message, recipient number; the address follows


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who wants no more mail (`address`) from which account, and the message that said how to end it."""

    reseller_id: ResellerId
    account_id: AccountId
    address: str
    message_id: MessageId
    n: int


@dataclass(frozen=True, slots=True)
class UnsubscribeTokens:
    """Makes and reads both kinds. A token is no secret from its recipient, and nobody else can make one up.

    A link holds all that it takes to act on it, so that it works after the message is forgotten. An address has room
    for 64 octets only (RFC 5321 4.5.3.1.1), so it names the message, as a return path does.
    """

    key: bytes
    mailboxes: ReturnPaths

    @classmethod
    def from_secret(cls, secret_key: str) -> "UnsubscribeTokens":
        return cls(
            derive_key(secret_key, "unsubscribe-link"),
            ReturnPaths(derive_key(secret_key, "unsubscribe-mailbox")),
        )

    def make(self, subscription: Subscription) -> str:
        """The token of a link, for the reseller's tracking host: `https://<host>/u/<token>`. Case matters."""
        head = _HEAD.pack(
            subscription.reseller_id, subscription.account_id, subscription.message_id.bytes, subscription.n
        )
        named = head + subscription.address.encode()
        return base64.urlsafe_b64encode(named + self._check(named)).decode("ascii").rstrip("=")

    def read(self, token: str) -> Subscription | None:
        """What a link is about; None for anything that is not one of ours."""
        if len(token) > MAX_TOKEN:
            return None
        try:
            octets = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return None
        named, check = octets[:-_CHECK_BYTES], octets[-_CHECK_BYTES:]
        if len(named) <= _HEAD.size or not hmac.compare_digest(self._check(named), check):
            return None
        reseller, account, message, n = _HEAD.unpack(named[: _HEAD.size])
        return Subscription(
            ResellerId(reseller),
            AccountId(account),
            named[_HEAD.size :].decode(),
            MessageId(UUID(bytes=message)),
            n,
        )

    def make_mailbox(self, message_id: MessageId, n: int) -> str:
        """The local part for the reseller's return-path host: at most 59 octets, and case carries nothing."""
        return MAILBOX + self.mailboxes.local_part(message_id, n)

    def read_mailbox(self, local_part: str) -> tuple[MessageId, int] | None:
        """The message and recipient number in such a local part; None for anything else."""
        lowered = local_part.lower()
        return self.mailboxes.read(lowered[len(MAILBOX) :]) if lowered.startswith(MAILBOX) else None

    def _check(self, named: bytes) -> bytes:
        return hmac.digest(self.key, named, hashlib.sha256)[:_CHECK_BYTES]
