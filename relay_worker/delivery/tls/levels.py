"""How well a connection is protected, and what can keep it from being so."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from platform_core.mail.tls import TlsTrust


class TlsLevel(IntEnum):
    """From nothing to the most: each is worth more than those before it."""

    CLEAR = 0
    ENCRYPTED = 1  # whatever the certificate (RFC 7435)
    NAMED = 2  # a trusted certificate for the server's name (RFC 8461 4.1)
    TLSA = 3  # a certificate that the server's own TLSA records name (RFC 7672)


class TlsFailure(StrEnum):
    """Why a session was not protected as wished, in the words of TLS reports (RFC 8460 4.3)."""

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    HOST_MISMATCH = "certificate-host-mismatch"
    EXPIRED = "certificate-expired"
    NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    POLICY_FETCH = "sts-policy-fetch-error"
    POLICY_INVALID = "sts-policy-invalid"
    POLICY_CERTIFICATE = "sts-webpki-invalid"


@dataclass(frozen=True, slots=True)
class TlsAchieved:
    """What a connection came to. `version` and `cipher` are "" in clear. `trust`: what has vouched for the server."""

    level: TlsLevel = TlsLevel.CLEAR
    version: str = ""
    cipher: str = ""
    trust: TlsTrust = TlsTrust.NONE


IN_CLEAR = TlsAchieved()
