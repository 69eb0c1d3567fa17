"""The fields that the relay puts in front of a message: Received, and Message-ID and Date where they lack."""

import re
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from platform_core.ids import MessageId

# What stands for the client in our trace field, and by which we know it again.
_CLIENT = "authenticated-user"
_OURS = re.compile(
    rb"[ \t]from %b by \S+ with (?:UTF8SMTP|ESMTP)S?A.*?\sid [0-9a-f]{8}-[0-9a-f-]{27};" % _CLIENT.encode(),
    re.DOTALL,
)


@lru_cache(maxsize=4)
def _rfc5322_date(second: datetime) -> str:
    return format_datetime(second)


def rfc5322_date(at: datetime) -> str:
    """`at` as a date-time (RFC 5322 3.3), in UTC; made once a second."""
    return _rfc5322_date(at.replace(microsecond=0))


def received(*, host: str, message_id: MessageId, at: datetime, tls: str, smtputf8: bool) -> bytes:
    """Our trace field (RFC 5321 4.4) with the protocol of RFC 3848 and RFC 6531 4.3. `tls`: "" without.

    It names neither the client's address nor what it said in EHLO, which are kept with the submission: a customer's
    office or server is none of the recipients' business. No `for` either: it would tell recipients of one another.
    """
    protocol = ("UTF8SMTP" if smtputf8 else "ESMTP") + ("SA" if tls else "A")
    comment = f"\r\n\t({tls})" if tls else ""
    return (
        f"Received: from {_CLIENT} by {host} with {protocol}{comment}\r\n"
        f"\tid {message_id}; {rfc5322_date(at)}\r\n"
    ).encode("ascii")


def is_ours(value: bytes) -> bool:
    """Whether a Received field (its part after the colon) was written by this relay, for whatever reseller."""
    return _OURS.match(value) is not None


def missing_message_id(message_id: MessageId, domain: str) -> bytes:
    """RFC 6409 8.3. `domain` is the customer's own, from header From."""
    return f"Message-ID: <{message_id}@{domain}>\r\n".encode("ascii")


def missing_date(at: datetime) -> bytes:
    """RFC 6409 8.2."""
    return f"Date: {rfc5322_date(at)}\r\n".encode("ascii")
