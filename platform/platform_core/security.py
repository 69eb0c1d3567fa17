"""Secrets: making them, checking them, sealing what must be read again. All keys come from the one secret key."""

import base64
import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from platform_core.errors import Unavailable
from platform_core.settings import settings

# 31 letters and digits without those that are read for one another (0/O, 1/l/I).
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


def random_text(length: int) -> str:
    """`length` random characters of READABLE, 4.95 bits each."""
    return "".join(secrets.choice(READABLE) for _ in range(length))


def derive_key(secret_key: str, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA256, RFC 5869), so that no two uses share a key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret_key.encode())


class SecretVerifier:
    """Checks generated, high-entropy secrets (SMTP accounts, API keys) in microseconds.

    HMAC-SHA256 is enough for a secret of 158 random bits; argon2 would cost 50 to 100 ms of CPU a connection.
    """

    def __init__(self, secret_key: str) -> None:
        self._key = derive_key(secret_key, "smtp-secret")

    def verifier(self, secret: str) -> bytes:
        """What is stored: 32 bytes."""
        return hmac.digest(self._key, secret.encode(), hashlib.sha256)

    def matches(self, secret: str, verifier: bytes) -> bool:
        return hmac.compare_digest(self.verifier(secret), verifier)


class Seal:
    """Encrypts private keys at rest (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, secret_key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(derive_key(secret_key, "seal")))

    def seal(self, plain: bytes) -> bytes:
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """The plain bytes. Raises Unavailable when the secret key is not the one they were sealed with."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise Unavailable("A stored key can't be read: was FRANKPOST_SECRET_KEY changed?") from error


def hash_password(password: str) -> str:
    """argon2id, for passwords that people choose."""
    return PasswordHasher(memory_cost=settings().password_memory_kib).hash(password)


def password_matches(password: str, password_hash: str) -> bool:
    """Checks with what the hash was made with, whatever is set now."""
    try:
        return PasswordHasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
