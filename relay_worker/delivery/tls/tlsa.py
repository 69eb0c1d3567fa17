"""TLSA records (RFC 6698) as mail uses them (RFC 7672), and whether a server's certificates are the ones they name."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)


class Usage(IntEnum):
    """Those that mail knows. PKIX-TA (0) and PKIX-EE (1) are unusable here (RFC 7672 3.1.3)."""

    DANE_TA = 2
    DANE_EE = 3


_DIGESTS = {1: hashlib.sha256, 2: hashlib.sha512}
_CERTIFICATE, _PUBLIC_KEY = 0, 1


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One record. `selector` 0: the certificate, 1: its public key; `matching` 0: as it is, 1: SHA-256, 2: SHA-512."""

    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def usable(self) -> bool:
        return (
            self.usage in (Usage.DANE_TA, Usage.DANE_EE)
            and self.selector in (_CERTIFICATE, _PUBLIC_KEY)
            and (self.matching == 0 or self.matching in _DIGESTS)
            and len(self.data) == (_DIGESTS[self.matching]().digest_size if self.matching else len(self.data))
        )

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether this is the certificate, or has the key, that the record means."""
        if self.selector == _CERTIFICATE:
            selected = certificate.public_bytes(Encoding.DER)
        else:
            selected = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return self.data == (_DIGESTS[self.matching](selected).digest() if self.matching else selected)

    def text(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()}"


@dataclass(frozen=True, slots=True)
class HostTlsa:
    """What DNSSEC vouches for of one mail server.

    `base`: the name at which the records were found, which TLS asks for (RFC 7672 8.1). `names`: those of which one
    must be in a certificate that DANE-TA vouches for (RFC 7672 3.2.2). `bogus`: the answer could not be validated.
    """

    host: str
    base: str
    names: tuple[str, ...] = ()
    records: tuple[Tlsa, ...] = ()
    bogus: bool = False

    @property
    def usable(self) -> tuple[Tlsa, ...]:
        return tuple(record for record in self.records if record.usable)

    def vouches_for(self, chain: Sequence[bytes]) -> bool:
        """Whether any usable record fits `chain`: certificates in DER as the server showed them, its own first."""
        try:
            certificates = [x509.load_der_x509_certificate(der) for der in chain]
            return bool(certificates) and (self._names_server(certificates[0]) or self._anchors(certificates))
        except ValueError:  # a certificate that cannot be read proves nothing
            return False

    def _names_server(self, certificate: x509.Certificate) -> bool:
        """DANE-EE: neither the name nor the dates matter (RFC 7672 3.1.1); DNSSEC vouches for the very key."""
        return any(record.names(certificate) for record in self._of(Usage.DANE_EE))

    def _anchors(self, chain: Sequence[x509.Certificate]) -> bool:
        """DANE-TA: from the server's certificate a valid path leads to one that a record names (RFC 7672 3.1.2)."""
        server, *above = chain
        records = self._of(Usage.DANE_TA)
        shown = [certificate for certificate in above if any(record.names(certificate) for record in records)]
        anchors = shown + [whole for record in records for whole in _whole(record)]
        return any(_leads_to(anchors, server, above, name) for name in self.names) if anchors else False

    def _of(self, usage: Usage) -> list[Tlsa]:
        return [record for record in self.usable if record.usage == usage]


def _whole(record: Tlsa) -> list[x509.Certificate]:
    """The anchor itself, where the record holds it; then the server need not show it."""
    if record.selector != _CERTIFICATE or record.matching != 0:
        return []
    try:
        return [x509.load_der_x509_certificate(record.data)]
    except ValueError:
        return []


def _leads_to(
    anchors: list[x509.Certificate], server: x509.Certificate, above: list[x509.Certificate], name: str
) -> bool:
    policy = PolicyBuilder().store(Store(anchors))
    policy = policy.extension_policies(ca_policy=_authority_policy(), ee_policy=_server_policy())
    try:
        policy.build_server_verifier(x509.DNSName(name)).verify(server, above)
    except VerificationError:
        return False
    return True


# Authorities of one's own are what DANE-TA is for. What openssl and the like make of them by default lacks much that the
# rules for public ones ask for; what must hold is that only an authority signs (RFC 5280 6.1.4 k, n).


@cache
def _authority_policy() -> ExtensionPolicy:
    return (
        ExtensionPolicy.webpki_defaults_ca()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_authority)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
        .may_be_present(x509.SubjectKeyIdentifier, Criticality.AGNOSTIC, None)
        .may_be_present(x509.AuthorityKeyIdentifier, Criticality.AGNOSTIC, None)
    )


@cache
def _server_policy() -> ExtensionPolicy:
    return ExtensionPolicy.webpki_defaults_ee().may_be_present(
        x509.AuthorityKeyIdentifier, Criticality.AGNOSTIC, None
    )


def _is_authority(
    _policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints
) -> None:
    if not constraints.ca:
        raise ValueError("the certificate is not an authority's")


def _may_sign(_policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("the key must not sign certificates")
