"""How TLS is spoken at each level, and what its errors mean for a report."""

import ssl
from functools import cache
from pathlib import Path

from relay_worker.delivery.tls.levels import TlsFailure, TlsLevel

# OpenSSL's numbers, X509_V_ERR_*: not yet valid and expired; no issuer found, self-signed; another host's.
_DATES = frozenset({9, 10, 13, 14})
_TRUST = frozenset({2, 18, 19, 20, 21, 24, 26, 27, 28})
_HOST = frozenset({62, 63, 64})


class Contexts:
    """One context for each level. `authorities`: a PEM file of those to trust; None means the system's."""

    def __init__(self, authorities: Path | None = None) -> None:
        self._any = _taking_any()
        self.verifying = _verifying(authorities)

    def at(self, level: TlsLevel) -> ssl.SSLContext:
        """For TLSA no authority is asked: the certificates are compared after the handshake."""
        return self.verifying if level is TlsLevel.NAMED else self._any


@cache
def _taking_any() -> ssl.SSLContext:
    """Any certificate will do for opportunistic TLS (RFC 7435): the other choice is clear text."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def _verifying(authorities: Path | None) -> ssl.SSLContext:
    """Reading the system's authorities takes tens of milliseconds: once a process."""
    context = ssl.create_default_context(cafile=str(authorities) if authorities else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def failure_of(error: Exception) -> TlsFailure:
    """What a failed handshake is called in reports."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return TlsFailure.VALIDATION
    if error.verify_code in _HOST:
        return TlsFailure.HOST_MISMATCH
    if error.verify_code in _DATES:
        return TlsFailure.EXPIRED
    return TlsFailure.NOT_TRUSTED if error.verify_code in _TRUST else TlsFailure.VALIDATION


def peer_chain(secured: ssl.SSLObject) -> list[bytes]:
    """The certificates the server has shown, in DER, its own first.

    Public from Python 3.13 on; 3.11 and 3.12 have it on the object inside, under the same name.
    """
    if hasattr(secured, "get_unverified_chain"):
        return list(secured.get_unverified_chain())
    inside = secured._sslobj  # type: ignore[attr-defined]
    return [bytes(certificate.public_bytes(_DER)) for certificate in inside.get_unverified_chain() or ()]


_DER = 2  # _ssl.ENCODING_DER
