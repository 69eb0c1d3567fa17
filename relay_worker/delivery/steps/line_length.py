"""Overlong lines, which servers on the way would cut (RFC 5322 2.1.1: 998 octets and the CRLF)."""

import re
from dataclasses import replace

from relay_worker.delivery.draft import Draft
from relay_worker.delivery.recode import Part, recode

MAX_LINE_OCTETS = 998
_FOLD_AT = 900
_BREAKABLE = re.compile(rb"[ \t](?=[^ \t])")


def shorten_lines(draft: Draft) -> Draft:
    """Encode the parts that have overlong lines, and fold overlong header fields; all else stays as it came.

    Cutting lines, as mail servers do, would break words, links and signatures. Quoted-printable keeps the content.
    """
    if has_overlong_line(draft.body):
        draft = draft.with_raw(recode(draft.raw(), _is_overlong))
    if any(len(field) > MAX_LINE_OCTETS and has_overlong_line(field) for field in draft.fields):
        return replace(draft, fields=tuple(_fold(field) for field in draft.fields))
    return draft


def has_overlong_line(text: bytes) -> bool:
    """True when a line of `text` has more than 998 octets. Looks at one line in a thousand octets, not at each."""
    at = 0
    while len(text) - at > MAX_LINE_OCTETS:
        end = text.rfind(b"\r\n", at, at + MAX_LINE_OCTETS + 2)
        if end < 0:
            return True
        at = end + 2
    return False


def _is_overlong(part: Part) -> bool:
    """Counts octets, of which a character may have several: only beyond ASCII does the text differ from what was sent."""
    payload = part.get_payload()
    assert isinstance(payload, str)  # parts that hold others are not asked
    octets = payload.encode() if payload.isascii() else part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return any(len(line.removesuffix(b"\r")) > MAX_LINE_OCTETS for line in octets.split(b"\n"))


def _fold(field: bytes) -> bytes:
    """Break the lines of a header field at white space (RFC 5322 2.2.3). A word beyond the limit stays whole."""
    return b"\r\n".join(_fold_line(line) for line in field.split(b"\r\n"))


def _fold_line(line: bytes) -> bytes:
    pieces = []
    while len(line) > MAX_LINE_OCTETS:
        breaks = [match.start() for match in _BREAKABLE.finditer(line, 1, _FOLD_AT)]
        first = (
            breaks[-1]
            if breaks
            else next((match.start() for match in _BREAKABLE.finditer(line, _FOLD_AT)), len(line))
        )
        pieces.append(line[:first])
        line = line[first:]
    return b"\r\n".join([*pieces, line] if line else pieces)
