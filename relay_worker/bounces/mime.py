"""Reading a mail that anybody may have sent: a small MIME reader that never raises and whose work is bounded.

The standard library's parser recurses for every level of nesting and feeds each line through all of them, so that a
mail made for the purpose costs minutes or ends in a RecursionError. Reports need little: the parts, their headers
and their text.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header

MAX_OCTETS = (
    512 * 1024
)  # what counts in a report stands at its beginning; the rest is the message that we sent
MAX_DEPTH = 8
MAX_PARTS = 64
MAX_HEADERS = 500
MAX_HEADER_CHARACTERS = 8192

# What brings the message that a report is about, whole or its header alone.
ORIGINAL_TYPES = (
    "message/rfc822",
    "message/global",
    "message/global-headers",
    "text/rfc822-headers",
    "text/rfc822-header",  # in feedback reports of old
)

_FIELD = re.compile(r"([!-9;-~]{1,100})[ \t]*:[ \t]*")
_FIRST_FIELD = re.compile(rb"(?:>?From [^\n]*\n)?[!-9;-~]{1,100}[ \t]*:")
_PARAMETER = re.compile(r';\s*([\w*-]{1,60})\s*=\s*(?:"([^"]{0,300})"|([^\s";]{1,300}))')
_LINE_TAG = re.compile(r"<(?:br|p|/p|/div|/tr|/td|/h\d)\b[^<>]{0,1000}>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[/!?a-z][^<>@]{0,2000}>", re.IGNORECASE)  # an address in angle brackets is none
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|nbsp|#39|#64);")
_ENTITIES = {
    "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&nbsp;": " ", "&#39;": "'", "&#64;": "@"
}  # fmt: skip

# Some codecs of the standard library take quadratic time (idna, punycode), and some are no charsets at all.
_CHARSETS = re.compile(
    r"utf-(?:7|8|16)|ascii|iso8859-\d+|iso2022_\w+|cp\d+|koi8-[ru]|shift_jis\w*|euc_\w+|gb\w+|big5\w*|mac-\w+"
)
_CHARSET_ALIASES = {"unicode-1-1-utf-7": "utf-7", "x-unknown": "utf-8", "unknown-8bit": "utf-8"}


@dataclass(frozen=True, slots=True)
class Fields:
    """The header fields of a mail or part, unfolded, in their order; names in lower case."""

    items: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """The first value of a field, "" when it is not there."""
        return next((value for key, value in self.items if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.items if key == name]


NO_FIELDS = Fields()


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a mail: its fields, its lower-case media type and its octets as they were transferred."""

    fields: Fields
    media_type: str
    body: bytes

    @property
    def unopened(self) -> bool:
        """True for a multipart that could not be taken apart; its text is all that it holds."""
        return self.media_type.startswith("multipart/")

    @property
    def text(self) -> str:
        """The decoded text with LF line ends; of HTML what a reader would see."""
        octets = _untransfer(self.body, self.fields.get("content-transfer-encoding"))
        text = _decode(octets, parameter(self.fields.get("content-type"), "charset"))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        return _strip_html(text) if self.media_type == "text/html" else text


def read_mail(raw: bytes) -> tuple[Fields, list[Part]]:
    """The mail's own fields and its leaves in their order. Beyond the limits of size, depth and number nothing is read.

    Empty lines before the first field are passed over: some programs leave one when they hand a mail on.
    """
    fields, body = split_fields(raw[:MAX_OCTETS].lstrip())
    parts: list[Part] = []
    for part in _leaves(fields, body, "text/plain", 0):
        parts.append(part)
        if len(parts) >= MAX_PARTS:
            break
    return fields, parts


def split_fields(raw: bytes) -> tuple[Fields, bytes]:
    """The header fields at the beginning of `raw`, and what follows the first empty line."""
    head, body = _split_at_empty_line(raw)
    return read_fields(_decode(head, "utf-8")), body


def read_fields(text: str) -> Fields:
    """Every `Name: value` line with its continuation lines (RFC 5322 2.2.3); other lines are passed over."""
    items: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            if items:
                items[-1][1].append(line.strip())
        elif match := _FIELD.match(line):
            if len(items) >= MAX_HEADERS:
                break
            items.append((match[1].lower(), [line[match.end() :].strip()]))
    return Fields(tuple((name, " ".join(values)[:MAX_HEADER_CHARACTERS]) for name, values in items))


def parameter(value: str, name: str) -> str:
    """A parameter of a structured field such as Content-Type (RFC 2045 5.1), "" when it is not there."""
    for match in _PARAMETER.finditer(value):
        if match[1].lower() == name:
            return match[2] if match[2] is not None else match[3]
    return ""


def readable(value: str) -> str:
    """A field's value with its encoded words decoded (RFC 2047)."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        piece if isinstance(piece, str) else _decode(piece, charset or "ascii") for piece, charset in pieces
    )


def _leaves(fields: Fields, body: bytes, default: str, depth: int) -> Iterator[Part]:
    content_type = fields.get("content-type")
    media_type = content_type.partition(";")[0].strip().lower() or default
    boundary = parameter(content_type, "boundary") if media_type.startswith("multipart/") else ""
    if not boundary or depth >= MAX_DEPTH:
        yield Part(fields, media_type, body)
        return
    inner = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
    for section in _sections(body, boundary.strip().encode("utf-8", "replace")):
        yield from _leaves(*split_fields(section), inner, depth + 1)


def _sections(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands after each boundary line (some servers put a space in front of it); all of it when there is none."""
    lines = re.compile(rb"^[ \t]?--" + re.escape(boundary) + rb"(?:--)?[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
    preamble, *sections = lines.split(body, MAX_PARTS)
    return sections or [b"\n" + preamble]


def _split_at_empty_line(raw: bytes) -> tuple[bytes, bytes]:
    """Head and body. Text that does not begin with a field has no head: the empty line before it was forgotten."""
    if not _FIRST_FIELD.match(raw):
        return b"", raw
    ends = [(at, len(end)) for end in (b"\n\n", b"\n\r\n") if (at := raw.find(end)) >= 0]
    if not ends:
        return raw, b""
    at, length = min(ends)
    return raw[:at], raw[at + length :]


def _untransfer(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding == "base64":
        return _unbase64(body)
    return binascii.a2b_qp(body) if encoding == "quoted-printable" else body


def _unbase64(body: bytes) -> bytes:
    """As much as can be decoded: bounces are often cut off in the middle."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    return base64.b64decode(letters[: len(letters) // 4 * 4])


def _decode(octets: bytes, charset: str) -> str:
    name = charset.strip().lower()
    name = _CHARSET_ALIASES.get(name, name) or "utf-8"
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        codec = "utf-8"
    if not _CHARSETS.fullmatch(codec):
        codec = "utf-8"
    if codec in ("ascii", "utf-8"):
        # Whoever says ASCII and means more, means UTF-8 or Latin-1.
        return _decode_utf8(octets)
    return octets.decode(codec, "replace")


def _decode_utf8(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _strip_html(html: str) -> str:
    html = _without_element(_without_element(html, "style"), "script")
    text = _ANY_TAG.sub(" ", _LINE_TAG.sub("\n", html))
    return _ENTITY.sub(lambda match: _ENTITIES[match[0]], text)


def _without_element(html: str, name: str) -> str:
    """Without the elements of that name and what they hold; found by hand, since a regex would take quadratic time."""
    lowered = html.lower()
    kept, at = [], 0
    while (start := lowered.find(f"<{name}", at)) >= 0:
        kept.append(html[at:start])
        end = lowered.find(f"</{name}>", start)
        at = end + len(name) + 3 if end >= 0 else len(html)
    kept.append(html[at:])
    return "".join(kept)
