"""A certificate authority of this machine alone: TLS for the `*.localhost` names of development and tests."""

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from platform_core.clock import Clock, SystemClock
from platform_core.errors import InvalidInput

# Who trusts this authority in a browser trusts it for names that nobody can own (RFC 6761 6), and for no others.
RESERVED_DOMAINS = ("localhost", "test", "example", "invalid")
AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 397
# A certificate that starts now is "not yet valid" to a client whose clock is a little behind.
BACKDATED = datetime.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate with the authority's behind it, and its private key without a password; both PEM."""

    chain: bytes
    key: bytes


class LocalAuthority:
    """Issues certificates under a key kept in `folder` (mode 0600), made on the first use."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()
        folder.mkdir(parents=True, exist_ok=True)
        if not self._key_path.exists() or self._expired():
            self._found()
        self._key = _load_key(self._key_path.read_bytes())
        self._certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())

    @property
    def certificate_path(self) -> Path:
        """The authority's own certificate, for clients that shall trust it."""
        return self._folder / "authority.crt"

    @property
    def _key_path(self) -> Path:
        return self._folder / "authority.key"

    def issue(self, *names: str) -> IssuedCertificate:
        """For host names (also `*.` ones) below the reserved domains, and for IP addresses.

        Raises InvalidInput for a name that somebody could own.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder("Local development", key.public_key(), CERTIFICATE_DAYS)
            .issuer_name(self._certificate.subject)
            .add_extension(x509.SubjectAlternativeName(_alternative_names(names)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        return IssuedCertificate(_pem(certificate) + _pem(self._certificate), _key_pem(key))

    def _found(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subtrees = [x509.DNSName(domain) for domain in RESERVED_DOMAINS]
        subject = "Local development authority"
        certificate = (
            self._builder(subject, key.public_key(), AUTHORITY_DAYS)
            .issuer_name(_name(subject))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.NameConstraints(subtrees, None), critical=True)
            .add_extension(_MAY_SIGN, critical=True)
            .sign(key, hashes.SHA256())
        )
        _write_private(self._key_path, _key_pem(key))
        self.certificate_path.write_bytes(_pem(certificate))

    def _builder(self, subject: str, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
        now = self._clock.now()
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def _expired(self) -> bool:
        """Also when what it issues today would outlive it."""
        certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        needed_until = self._clock.now() + datetime.timedelta(days=CERTIFICATE_DAYS)
        return certificate.not_valid_after_utc < needed_until


_MAY_SIGN = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _alternative_names(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_alternative_name(name) for name in names]


def _alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if name.rpartition(".")[2] not in RESERVED_DOMAINS:
            reserved = ", ".join(RESERVED_DOMAINS)
            raise InvalidInput(
                "name", f"{name} is not below one of the reserved domains {reserved}."
            ) from None
        return x509.DNSName(name)


def _name(text: str) -> x509.Name:
    """An organization, not a common name: OpenSSL would take an IP address there for a host name out of bounds."""
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])


def _load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
