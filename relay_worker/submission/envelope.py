"""The envelope: syntax of MAIL and RCPT, their parameters, and the addresses in them (RFC 5321 4.1.1, 4.1.2)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from platform_core.mail.addresses import Address, AddressSyntax, parse_address
from platform_core.mail.dsn import (
    DsnRequest,
    original_for,
    parse_envelope_id,
    parse_notify,
    parse_original,
)
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

T = TypeVar("T")

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

    `rcpt_to` is keyed by the folded address: the same recipient named twice is one recipient. `dsn` has what was asked
    for some of them (RFC 3461), by the same key; `envelope_id` and `dsn_return` are ENVID and RET, "" without.
    """

    mail_from: str | None = None
    smtputf8: bool = False
    rcpt_to: dict[str, str] = field(default_factory=dict)
    refused_recipients: int = 0
    envelope_id: str = ""
    dsn_return: str = ""
    dsn: dict[str, DsnRequest] = field(default_factory=dict)

    @property
    def rcpt_dsn(self) -> tuple[str, ...]:
        """What is asked, in words for each recipient; () when nothing is asked for any.

        Once something is, all have their ORCPT: it marks them as recipients of a sender who expects reports. ORCPT alone
        asks for nothing: servers such as Postfix give it with all their mail.
        """
        asked = self.envelope_id or self.dsn_return or any(one.notify for one in self.dsn.values())
        if not asked:
            return ()
        return tuple(
            _with_original(self.dsn.get(folded), address).words for folded, address in self.rcpt_to.items()
        )


@dataclass(frozen=True, slots=True)
class MailCommand:
    """MAIL, understood. `sender` is None for the null sender; ENVID and RET are "" without."""

    sender: Address | None
    smtputf8: bool
    envelope_id: str = ""
    dsn_return: str = ""


@dataclass(frozen=True, slots=True)
class RcptCommand:
    """RCPT, understood. `dsn`: what it asks about delivery, None for nothing."""

    recipient: Address
    dsn: DsnRequest | None = None


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
    envelope_id = _value(given, "ENVID", parse_envelope_id)
    dsn_return = _value(given, "RET", _parse_return)
    # RFC 4954 5 lets a trusted client name another submitter; we trust none, and ignoring it is the rule then.
    if given.pop("AUTH", "<>") is None:
        raise Refused(PARAMETER_VALUE)
    if given:
        raise Refused(PARAMETER_UNKNOWN)
    sender = _address(path, smtputf8, "5.1.7") if path else None
    return MailCommand(sender, smtputf8, envelope_id or "", dsn_return or "")


def parse_rcpt(argument: str, *, smtputf8: bool, extended: bool = True) -> RcptCommand:
    """`TO:<path> [NOTIFY=...] [ORCPT=...]`. Raises Refused."""
    path, rest = _path("TO:", argument, RCPT_SYNTAX)
    recipient = _address(path, smtputf8, "5.1.3")
    return RcptCommand(recipient, _parse_dsn(rest, smtputf8, extended) if rest else None)


def _parse_dsn(words: str, smtputf8: bool, extended: bool) -> DsnRequest | None:
    given = _parameters(words)
    if given and not extended:
        raise Refused(PARAMETER_UNKNOWN)
    if not smtputf8 and not words.isascii():
        raise Refused(PARAMETER_VALUE)
    notify = _value(given, "NOTIFY", parse_notify)
    original = _value(given, "ORCPT", parse_original)
    if given:
        raise Refused(PARAMETER_UNKNOWN)
    return DsnRequest(notify or frozenset(), original or "") if notify or original else None


def _with_original(asked: DsnRequest | None, address: str) -> DsnRequest:
    if asked is not None and asked.original:
        return asked
    return DsnRequest(asked.notify if asked else frozenset(), original_for(address))


def _parse_return(value: str) -> str:
    """RET (RFC 3461 4.3)."""
    if value.upper() not in ("FULL", "HDRS"):
        raise ValueError(value)
    return value.upper()


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


def _value(given: dict[str, str | None], keyword: str, parse: Callable[[str], T]) -> T | None:
    """The parameter, taken out of `given`; None when it is not there. Raises Refused when `parse` can't take it."""
    if keyword not in given:
        return None
    try:
        return parse(given.pop(keyword) or "")
    except ValueError as error:
        raise Refused(PARAMETER_VALUE) from error


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
