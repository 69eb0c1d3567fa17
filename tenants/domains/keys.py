"""DKIM keys: making them, and naming their selectors."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from platform_core.security import Seal, random_text

KEY_BITS = 2048  # RFC 8301 3.2: at least 1024, 2048 advised; more does not fit into one UDP answer
PUBLIC_EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A key pair. `public_key`: base64 of its SubjectPublicKeyInfo, the `p=` of RFC 6376 3.6.1. `sealed_key`: PEM."""

    public_key: str
    sealed_key: bytes


def generate_key(seal: Seal) -> GeneratedKey:
    """A new rsa-2048 key; takes about 100 ms of CPU."""
    private = generate_private_key(PUBLIC_EXPONENT, KEY_BITS)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return GeneratedKey(base64.b64encode(public).decode(), seal.seal(pem))


def next_selector(taken: Iterable[str]) -> str:
    """The selector after those of `taken`: s1-x7kd, s2-9mq3 and so on. It bears no brand, and never comes twice.

    The random part keeps two accounts apart that send for the same domain, perhaps at two resellers.
    """
    numbers = (int(selector.partition("-")[0][1:]) for selector in taken)
    return f"s{max(numbers, default=0) + 1}-{random_text(4)}"
