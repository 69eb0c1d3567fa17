"""Return paths that say which message a bounce is about (VERP), and that nobody else can make up."""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from platform_core.ids import MessageId
from platform_core.security import derive_key

_LOCAL_PART = re.compile(r"b-([a-z2-7]{26})-(\d{1,9})-([a-z2-7]{8})")
_CHECK_BYTES = 5  # 40 bits: a forger has to send 10^12 bounces to have one believed


@dataclass(frozen=True, slots=True)
class ReturnPaths:
    """Makes and reads the local parts `b-<message id>-<n>-<check>`: at most 47 octets of the 64 allowed.

    Case carries nothing, since servers on the way may fold it (RFC 5321 2.4 asks them not to).
    """

    key: bytes

    @classmethod
    def from_secret(cls, secret_key: str) -> "ReturnPaths":
        return cls(derive_key(secret_key, "return-path"))

    def local_part(self, message_id: MessageId, n: int) -> str:
        """For the transaction whose first recipient is number `n` of the message."""
        return _local_part(self.key, message_id, n)

    def read(self, local_part: str) -> tuple[MessageId, int] | None:
        """The message and recipient number in a local part of ours; None for anything else, forgeries included."""
        match = _LOCAL_PART.fullmatch(local_part.lower())
        if match is None or not hmac.compare_digest(_check(self.key, f"{match[1]}-{match[2]}"), match[3]):
            return None
        try:
            return MessageId(UUID(bytes=base64.b32decode(match[1].upper() + "======"))), int(match[2])
        except (binascii.Error, ValueError):
            return None


@lru_cache(maxsize=256)  # each is asked for twice: as the return path, and for the header field
def _local_part(key: bytes, message_id: MessageId, n: int) -> str:
    named = f"{_text(message_id.bytes)}-{n}"
    return f"b-{named}-{_check(key, named)}"


def _check(key: bytes, named: str) -> str:
    return _text(hmac.digest(key, named.encode(), hashlib.sha256)[:_CHECK_BYTES])


def _text(value: bytes) -> str:
    return base64.b32encode(value).decode("ascii").rstrip("=").lower()
