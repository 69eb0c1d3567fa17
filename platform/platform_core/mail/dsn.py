"""What senders ask about the delivery of their mail (RFC 3461): NOTIFY and ORCPT of a recipient, and the texts in them."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

MAX_ENVELOPE_ID = 100  # characters of ENVID (RFC 3461 4.4)
MAX_ORIGINAL_RECIPIENT = 500  # characters of ORCPT (RFC 3461 4.2)

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*+")
_HEX = re.compile(r"\+([0-9A-F]{2})")
_UNSAFE = re.compile(r"[^!-*,-<>-~]")
# RFC 6533 3: addresses outside ASCII have a form of their own, with code points in place of octets.
_UTF8_ADDRESS = re.compile(r"(?:[!-*,-<>-\[\]-~]|[^\x00-\x9f]|\\x\{[0-9A-F]{2,6}\})++")
_POINT = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
_UNSAFE_IN_UTF8_ADDRESS = re.compile(r"[^!-*,-<>-\[\]-~]")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*/?^_`{|}~.-]+")


class Notify(StrEnum):
    """When a report is wanted (RFC 3461 4.1)."""

    NEVER = "NEVER"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"


@dataclass(frozen=True, slots=True)
class DsnRequest:
    """What was asked for one recipient. `notify` is empty where nothing was said; `original`: the value of ORCPT, or ""."""

    notify: frozenset[Notify] = frozenset()
    original: str = ""

    @classmethod
    def parse(cls, kept: str) -> Self:
        """The request out of its words as they are kept (see `words`)."""
        given = dict(word.split("=", 1) for word in kept.split())
        named = given.get("NOTIFY", "")
        return cls(frozenset(Notify(one) for one in named.split(",") if one), given.get("ORCPT", ""))

    @property
    def words(self) -> str:
        """The parameters of RCPT that say it: `NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@b.example`."""
        notify = ",".join(one for one in Notify if one in self.notify)
        return " ".join(
            [f"NOTIFY={notify}"] * bool(notify) + [f"ORCPT={self.original}"] * bool(self.original)
        )

    @property
    def original_recipient(self) -> tuple[str, str]:
        """Type and address in ORCPT, decoded; two empty texts where there is none."""
        kind, _, address = self.original.partition(";")
        decode = decode_utf8_address if kind.lower() == "utf-8" else decode_xtext
        return kind, decode(address)


def parse_notify(value: str) -> frozenset[Notify]:
    """The value of NOTIFY. Raises ValueError; NEVER goes with nothing else (RFC 3461 4.1)."""
    named = frozenset(Notify(one) for one in value.upper().split(","))
    if Notify.NEVER in named and len(named) > 1:
        raise ValueError(value)
    return named


def parse_original(value: str) -> str:
    """The value of ORCPT, checked; what is outside ASCII becomes code points, which every server takes. Raises ValueError."""
    kind, _, address = value.partition(";")
    utf8 = kind.lower() == "utf-8"
    well_formed = (_UTF8_ADDRESS if utf8 else _XTEXT).fullmatch(address)
    if not (address and well_formed and _ATOM.fullmatch(kind)) or len(value) > MAX_ORIGINAL_RECIPIENT:
        raise ValueError(value)
    if not (decode_utf8_address(address) if utf8 else decode_xtext(address)).isprintable():
        raise ValueError(value)
    return f"{kind};{encode_utf8_address(decode_utf8_address(address))}" if utf8 else value


def parse_envelope_id(value: str) -> str:
    """The value of ENVID: xtext for printable ASCII, at most 100 characters. Raises ValueError."""
    if not value or len(value) > MAX_ENVELOPE_ID or not _XTEXT.fullmatch(value):
        raise ValueError(value)
    decoded = decode_xtext(value)
    if not (decoded.isascii() and decoded.isprintable()):
        raise ValueError(value)
    return value


def original_for(address: str) -> str:
    """The ORCPT of a recipient for whom the sender gave none (RFC 3461 5.2.1 lets a relay add it)."""
    if address.isascii():
        return f"rfc822;{encode_xtext(address)}"
    return f"utf-8;{encode_utf8_address(address)}"


def encode_xtext(text: str) -> str:
    """RFC 3461 4. `text` is ASCII."""
    return _UNSAFE.sub(lambda match: f"+{ord(match[0]):02X}", text)


def decode_xtext(xtext: str) -> str:
    """The text again; octets beyond ASCII, which have no meaning there, as Latin-1."""
    return _HEX.sub(lambda match: chr(int(match[1], 16)), xtext)


def encode_utf8_address(address: str) -> str:
    """RFC 6533 3: the form for places that take ASCII alone."""
    return _UNSAFE_IN_UTF8_ADDRESS.sub(lambda match: f"\\x{{{ord(match[0]):02X}}}", address)


def decode_utf8_address(encoded: str) -> str:
    """The address again. Raises ValueError for a number that is no character."""
    decoded = _POINT.sub(lambda match: chr(int(match[1], 16)), encoded)
    decoded.encode()  # a surrogate is a number of that kind too
    return decoded
