"""What a server offers in its reply to EHLO."""

from dataclasses import dataclass

from platform_core.mail.replies import Reply


@dataclass(frozen=True, slots=True)
class Extensions:
    """The service extensions we use. `size`: the largest message in octets, None when nothing was said of it."""

    pipelining: bool = False
    eight_bit_mime: bool = False
    smtputf8: bool = False
    dsn: bool = False
    starttls: bool = False
    size_offered: bool = False
    size: int | None = None


def read_extensions(reply: Reply) -> Extensions:
    """RFC 5321 4.1.1.1: a keyword a line after the first, in any case, with parameters after a space."""
    offered: dict[str, str] = {}
    for line in reply.text.split("\n")[1:]:
        keyword, _, parameters = line.strip().partition(" ")
        offered[keyword.upper()] = parameters.strip()
    return Extensions(
        pipelining="PIPELINING" in offered,
        eight_bit_mime="8BITMIME" in offered,
        smtputf8="SMTPUTF8" in offered,
        dsn="DSN" in offered,
        starttls="STARTTLS" in offered,
        size_offered="SIZE" in offered,
        size=_limit(offered.get("SIZE", "")),
    )


def _limit(parameter: str) -> int | None:
    """RFC 1870 3: the number may be missing, and zero means no limit."""
    return (
        int(parameter) or None
        if parameter.isascii() and parameter.isdecimal() and len(parameter) < 16
        else None
    )
