"""A quick look over the header of a message, on bytes: no field is parsed that nobody asks for."""

import re
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header

from relay_worker.submission import trace
from relay_worker.submission.replies import HEADER_MALFORMED, HEADER_TOO_LARGE, Refused

MAX_HEADER_BYTES = 262_144
MAX_SUBJECT_CHARACTERS = 500
_MAX_DECODED_BYTES = 4_000  # of Subject; an encoded word takes at most 75 octets (RFC 2047 2)

# One field with its folded lines (RFC 5322 2.2). White space before the colon is obsolete syntax (4.5) that
# receivers still read as a field: "From :" must not pass for an unknown one.
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:([^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*+)\r\n")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(slots=True)
class Header:
    """What the relay wants to know of a header. `end`: where it ends in the message, before the empty line.

    `received` counts the servers it has passed, `passes` how often one of them was this relay.
    `cut`: spans of fields that do not go out: Bcc, and Message-ID or Date without a value.
    """

    end: int = 0
    from_values: list[bytes] = field(default_factory=list)
    subject: bytes = b""
    message_id: bytes = b""
    has_date: bool = False
    received: int = 0
    passes: int = 0
    cut: list[tuple[int, int]] = field(default_factory=list)


def scan(content: bytes) -> Header:
    """Look through the header of `content`. Raises Refused when it is too large or has a line that is no field."""
    header = Header(end=_end_of_header(content))
    at = 0
    # Field after field from where the last one ended; a search would go over a hostile header again and again.
    while (match := _FIELD.match(content, at, header.end)) is not None:
        at = match.end()
        note = _NOTES.get(match[1].lower())
        if note is not None:
            note(header, match)
    # Servers disagree where a header with a foreign line in it ends, and so which From counts.
    if at != header.end:
        raise Refused(HEADER_MALFORMED)
    return header


def _end_of_header(content: bytes) -> int:
    if content.startswith(b"\r\n"):
        return 0
    blank = content.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES + 4)
    end = blank + 2 if blank >= 0 else len(content)
    if end > MAX_HEADER_BYTES:
        raise Refused(HEADER_TOO_LARGE)
    return end


def _note_from(header: Header, match: re.Match[bytes]) -> None:
    header.from_values.append(match[2])


def _note_subject(header: Header, match: re.Match[bytes]) -> None:
    header.subject = header.subject or match[2]


def _note_message_id(header: Header, match: re.Match[bytes]) -> None:
    value = match[2].strip()
    if value:
        header.message_id = header.message_id or value
    else:
        header.cut.append(match.span())


def _note_date(header: Header, match: re.Match[bytes]) -> None:
    if match[2].strip():
        header.has_date = True
    else:
        header.cut.append(match.span())


def _note_received(header: Header, match: re.Match[bytes]) -> None:
    header.received += 1
    if trace.is_ours(match[2]):
        header.passes += 1


def _note_bcc(header: Header, match: re.Match[bytes]) -> None:
    header.cut.append(match.span())


_NOTES = {
    b"from": _note_from,
    b"subject": _note_subject,
    b"message-id": _note_message_id,
    b"date": _note_date,
    b"received": _note_received,
    b"bcc": _note_bcc,
    b"resent-bcc": _note_bcc,
}


def cut_out(content: bytes, spans: list[tuple[int, int]]) -> bytes:
    """`content` without the spans, which are in order."""
    if not spans:
        return content
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(content)]
    return b"".join(content[start:end] for start, end in zip(starts, ends, strict=True))


def decode_text(value: bytes, *, most: int = MAX_SUBJECT_CHARACTERS) -> str:
    """A field's value for people: unfolded, encoded words decoded (RFC 2047), at most `most` characters.

    Control characters become spaces: an encoded word can hide a NUL, which Postgres refuses in text.
    """
    text = value[:_MAX_DECODED_BYTES].replace(b"\r\n", b"").decode("utf-8", "replace")
    if "=?" in text:
        text = _decode_words(text)
    return _UNPRINTABLE.sub(" ", text).strip()[:most]


def _decode_words(text: str) -> str:
    try:
        parts = decode_header(text)
        return "".join(
            part.decode(charset or "latin-1", "replace") if isinstance(part, bytes) else part
            for part, charset in parts
        )
    except (HeaderParseError, LookupError, ValueError):
        return text  # a broken word or an unknown character set: shown as it came
