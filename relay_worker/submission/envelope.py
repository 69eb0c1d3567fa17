"""The envelope: syntax of MAIL and RCPT, their parameters, and the addresses in them (RFC 5321 4.1.1, 4.1.2)."""

import re
from dataclasses import dataclass, field

from platform_core.mail.addresses import Address, AddressSyntax, parse_address
from platform_core.mail.replies import Reply
from relay_worker.submission.replies import (
    ADDRESS_NEEDS_SMTPUTF8,
    MAIL_SYNTAX,
    MESSAGE_TOO_LARGE,
    PARAMETER_UNKNOWN,
    PARAMETER_VALUE,
    RCPT_SYNTAX,
    Refused,
)

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

# Nearly every address is a dot-string at an ASCII domain. One expression with the limits of `parse_address` in it
# takes these; whatever it does not match goes the full way, so both ways always agree (a property test says so).
_PLAIN_ADDRESS = re.compile(
    rf"(?=[^@]{{1,64}}@)((?:{_ATOM}\.)*+{_ATOM})@((?=.{{1,255}}\Z){_LABEL}(?:\.{_LABEL})*)"
)
_PATH = re.compile(r'[ ]?<((?:"(?:[^"\\]|\\.)*+"|[^<>"])*+)>(?:\Z|[ ]+(.*+))')
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*+)(?:=([^\x00-\x20=\x7f]++))?")


@dataclass(slots=True)
class Transaction:
    """What MAIL and RCPT have said so far. `mail_from`: None before MAIL, "" for the null sender.

    `rcpt_to` is keyed by the folded address: the same recipient named twice is one recipient.
    """

    mail_from: str | None = None
    smtputf8: bool = False
    rcpt_to: dict[str, str] = field(default_factory=dict)
    refused_recipients: int = 0


@dataclass(frozen=True, slots=True)
class MailCommand:
    """MAIL, understood. `sender` is None for the null sender."""

    sender: Address | None
    smtputf8: bool


def parse_mailbox(text: str) -> Address:
    """As `parse_address`, with a short way for plain addresses."""
    match = _PLAIN_ADDRESS.fullmatch(text)
    if match is not None and len(text) <= 254:
        return Address(match[1], match[2].lower())
    return parse_address(text)


def parse_mail(argument: str, *, largest: int, extended: bool) -> MailCommand:
    """`FROM:<path> [parameters]`. Raises Refused. `largest`: bytes that a declared SIZE may reach."""
    path, rest = _path("FROM:", argument, MAIL_SYNTAX)
    given = _parameters(rest)
    if given and not extended:
        raise Refused(PARAMETER_UNKNOWN)
    smtputf8 = _flag(given, "SMTPUTF8")
    _check_body(given.pop("BODY", "7BIT"))
    _check_size(given.pop("SIZE", "0"), largest)
    # RFC 4954 5 lets a trusted client name another submitter; we trust none, and ignoring it is the rule then.
    if given.pop("AUTH", "<>") is None:
        raise Refused(PARAMETER_VALUE)
    if given:
        raise Refused(PARAMETER_UNKNOWN)
    return MailCommand(_address(path, smtputf8, "5.1.7") if path else None, smtputf8)


def parse_rcpt(argument: str, *, smtputf8: bool) -> Address:
    """`TO:<path>`. Raises Refused; no parameter of RCPT is offered."""
    path, rest = _path("TO:", argument, RCPT_SYNTAX)
    if rest and _parameters(rest):
        raise Refused(PARAMETER_UNKNOWN)
    return _address(path, smtputf8, "5.1.3")


def _path(keyword: str, argument: str, syntax: Reply) -> tuple[str, str]:
    size = len(keyword)
    match = _PATH.fullmatch(argument, size) if argument[:size].upper() == keyword else None
    if match is None:
        raise Refused(syntax)
    return match[1], match[2] or ""


def _address(path: str, smtputf8: bool, enhanced: str) -> Address:
    if not smtputf8 and not path.isascii():
        raise Refused(ADDRESS_NEEDS_SMTPUTF8)
    try:
        return parse_mailbox(path)
    except AddressSyntax as error:
        raise Refused(Reply(553, enhanced, str(error))) from error


def _parameters(text: str) -> dict[str, str | None]:
    """Keyword in upper case to value, None where it has none. Raises Refused for bad syntax and for a keyword twice."""
    given: dict[str, str | None] = {}
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if match is None or match[1].upper() in given:
            raise Refused(PARAMETER_VALUE)
        given[match[1].upper()] = match[2]
    return given


def _flag(given: dict[str, str | None], keyword: str) -> bool:
    if keyword not in given:
        return False
    if given.pop(keyword) is not None:
        raise Refused(PARAMETER_VALUE)
    return True


def _check_body(value: str | None) -> None:
    if value is None or value.upper() not in ("7BIT", "8BITMIME"):
        raise Refused(PARAMETER_VALUE)


def _check_size(value: str | None, largest: int) -> None:
    """RFC 1870 4: up to 20 digits."""
    if value is None or len(value) > 20 or not (value.isascii() and value.isdigit()):
        raise Refused(PARAMETER_VALUE)
    if int(value) > largest:
        raise Refused(MESSAGE_TOO_LARGE)
