"""What we put on mail and know again when it comes back: return paths, unsubscribe tokens, opaque ids."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from platform_core.security import derive_key
from relay_worker.delivery.verp import ReturnPaths
from relay_worker.suppressions.tokens import UnsubscribeTokens

_OPAQUE_BYTES = 6  # ten characters: Google asks for 5 to 15 (Feedback-ID), and 48 bits keep accounts apart


@dataclass(frozen=True, slots=True)
class Marks:
    """Makers of every mark that only we can make, each with a key of its own."""

    return_paths: ReturnPaths
    unsubscribe: UnsubscribeTokens
    opaque_key: bytes

    @classmethod
    def from_secret(cls, secret_key: str) -> "Marks":
        return cls(
            ReturnPaths.from_secret(secret_key),
            UnsubscribeTokens.from_secret(secret_key),
            derive_key(secret_key, "opaque-id"),
        )

    def opaque(self, *parts: object) -> str:
        """Always the same ten letters and digits for the same thing, telling nobody but us what it is."""
        return _opaque(self.opaque_key, ":".join(map(str, parts)))


@lru_cache(maxsize=20_000)
def _opaque(key: bytes, name: str) -> str:
    digest = hmac.digest(key, name.encode(), hashlib.sha256)[:_OPAQUE_BYTES]
    return base64.b32encode(digest).decode("ascii").rstrip("=").lower()
