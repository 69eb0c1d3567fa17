"""What vouches for the mail server at the other end of a connection under TLS."""

from enum import StrEnum


class TlsTrust(StrEnum):
    """NONE: in clear, or nothing was noted. The others name what has shown that the server is the one that was meant."""

    NONE = ""
    UNVERIFIED = "unverified"  # encrypted, whatever the certificate (RFC 7435)
    CERTIFICATE = "certificate"  # one for the server's name, of an authority that is trusted
    MTA_STS = "mta_sts"  # likewise, for a server that the domain's policy names (RFC 8461)
    DANE = "dane"  # the server's own TLSA records (RFC 7672)
