"""DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed, made with OpenSSL."""

import base64
import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# Named in h= once more than they occur, so that nobody can add a second one (RFC 6376 8.15).
OVERSIGNED = (b"from", b"subject", b"to", b"date")
# Signed as often as they occur. RFC 8058 3 asks for the two List-Unsubscribe headers, Gmail for Feedback-ID.
SIGNED = (
    b"cc",
    b"reply-to",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-id",
    b"feedback-id",
    b"x-report-id",
    b"in-reply-to",
    b"references",
)
_KNOWN = frozenset(OVERSIGNED + SIGNED)
_WSP_RUN = re.compile(rb"[ \t]+")
_SPACE_RUN = re.compile(rb"  +")
_SPACE_AT_END = re.compile(rb" \r\n")
_PADDING = PKCS1v15()
_SHA256 = SHA256()


class KeyUnusable(ValueError):
    """The private key is neither RSA nor Ed25519, or too short to be worth a signature."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key under the name (`selector`._domainkey.`domain`) where its public half is found."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @classmethod
    def from_pem(cls, domain: str, selector: str, pem: bytes) -> "SigningKey":
        """Raises KeyUnusable. RFC 8301 3.2 allows 1,024 bits as the least; below it nobody verifies."""
        # We made this key and sealed it ourselves; proving its primes again takes 30 ms of CPU for each sender.
        private = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
        if isinstance(private, Ed25519PrivateKey) or (
            isinstance(private, RSAPrivateKey) and private.key_size >= 1024
        ):
            return cls(domain, selector, private)
        raise KeyUnusable("A DKIM key must be Ed25519, or RSA of at least 1,024 bits.")

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, _PADDING, _SHA256)
        return self.private.sign(hashlib.sha256(data).digest())  # RFC 8463 3: the hash is what gets signed


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs a message, and when (seconds since 1970). Without keys nobody does.

    The sender's domain signs for DMARC, which wants the domain of header From; the reseller's signs for mailbox providers
    that send complaints to the domain that signs, so that an agency enrols one domain for all its customers.
    """

    keys: tuple[SigningKey, ...] = ()
    timestamp: int = 0


UNSIGNED = Signing()


def body_hash(body: bytes) -> bytes:
    """What a signature says of the body, for bh=: the same for all copies of a message, however their headers differ."""
    return base64.b64encode(hashlib.sha256(canonical_body(body)).digest())


def signature_fields(
    fields: Sequence[bytes], hashed_body: bytes, keys: Sequence[SigningKey], timestamp: int
) -> tuple[bytes, ...]:
    """For each key the DKIM-Signature field over these header fields and this body, without its last CRLF.

    `hashed_body` is what `body_hash` made of it. `fields` are whole (`Name: value`, folds included), without the CRLF at their end, in the order of the message.
    Line ends are CRLF throughout. `timestamp`: seconds since 1970.
    """
    if not keys:
        return ()
    names, chosen = _select(fields)
    covered = (
        b"h=" + b":".join(names) + b";",
        b"bh=" + hashed_body + b";",
        b"b=",
    )
    return tuple(_signature_field(key, timestamp, covered, chosen) for key in keys)


def _signature_field(
    key: SigningKey, timestamp: int, covered: Sequence[bytes], chosen: Sequence[bytes]
) -> bytes:
    who = f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector}; t={timestamp};"
    tags = (who.encode(), *covered)
    unsigned = b"dkim-signature:" + b" ".join(tags)
    signature = base64.b64encode(key.sign(b"\r\n".join([*chosen, unsigned])))
    return b"DKIM-Signature: " + b"\r\n\t".join(tags) + _folded(signature)


def _select(fields: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The names for h=, and the canonical fields in that order (RFC 6376 5.4.2: of several, the last one first)."""
    present: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for field in fields:
        name, _, value = field.partition(b":")
        name = name.rstrip(b" \t").lower()
        if name in _KNOWN:
            present[name].append(name + b":" + canonical_value(value))
    names: list[bytes] = []
    chosen: list[bytes] = []
    for name in OVERSIGNED:
        names += [name] * (len(present[name]) + 1)
        chosen += reversed(present[name])
    for name in SIGNED:
        names += [name] * len(present[name])
        chosen += reversed(present[name])
    return names, chosen


def canonical_value(value: bytes) -> bytes:
    """RFC 6376 3.4.2 for what stands behind the colon: unfolded, runs of space made one, ends trimmed."""
    if b"\r\n" in value:
        value = value.replace(b"\r\n", b"")
    if b"\t" in value or b"  " in value:
        value = _WSP_RUN.sub(b" ", value)
    return value.strip(b" ")


def canonical_body(body: bytes) -> bytes:
    """RFC 6376 3.4.4. Line ends must be CRLF: a lone CR or LF at the very end would be taken for an empty line.

    Looking first is worth it: most bodies need one or two of the four passes, and each costs as much as the hash.
    """
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    if _SPACE_RUN.search(body):
        body = _SPACE_RUN.sub(b" ", body)
    if _SPACE_AT_END.search(body):
        body = body.replace(b" \r\n", b"\r\n")
    body = body.removesuffix(b" ").rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _folded(signature: bytes) -> bytes:
    """Base64 in lines of 72 (RFC 6376 3.5 lets white space stand anywhere in b=)."""
    return b"\r\n\t".join(signature[at : at + 72] for at in range(0, len(signature), 72))
