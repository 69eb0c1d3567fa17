"""Certificates as people bring them: read, and looked at before the relay shows them to the world."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from platform_core.clock import Clock
from platform_core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """A certificate with what is behind it, and its private key without a password; both PEM."""

    chain: bytes
    key: bytes


def read_pair(chain: bytes, key: bytes, *, name: str, clock: Clock) -> CertificatePair:
    """The pair, if a mail client that asks for `name` would take it. Raises InvalidInput with what is wrong.

    Who issued it is not looked at: the authority may be one of the operator's own.
    """
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            "certificate", "Certificate and key must be PEM, and the key without a password."
        ) from error
    public = private.public_key()
    if _octets(public) != _octets(certificate.public_key()):
        raise InvalidInput("key", "The key does not belong to the certificate.")
    if not certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc:
        raise InvalidInput(
            "certificate", f"The certificate is valid until {certificate.not_valid_after_utc:%d %B %Y} only."
        )
    if not any(_covers(pattern, name) for pattern in _names(certificate)):
        raise InvalidInput("certificate", f"The certificate is not for {name}.")
    return CertificatePair(chain, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _octets(public: PublicKeyTypes) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _covers(pattern: str, name: str) -> bool:
    """A `*` stands for exactly one label, the first (RFC 9525 6.3)."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:].lower()
    return name == pattern.lower()
