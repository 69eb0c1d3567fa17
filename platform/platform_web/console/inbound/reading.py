"""A mail that anybody may have sent, as text that can be shown: nothing of it is taken for more than characters."""

import re
from dataclasses import dataclass

from relay_worker.bounces.mime import Part, read_mail

MOST_FIELDS = 200
MOST_FIELD_CHARACTERS = 2_000
MOST_TEXT_CHARACTERS = 50_000

# Control characters; and those that turn the direction of what follows, by which a text can look like another.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part of the mail. `text` is None where it is none, such as a picture; `cut`: there is more of it."""

    media_type: str
    size: int
    text: str | None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class ShownMail:
    """Header fields in their order, and the parts, but for texts without a word."""

    fields: tuple[tuple[str, str], ...]
    parts: tuple[ShownPart, ...]


def shown(raw: bytes) -> ShownMail:
    """What a page shows of it; the rest is in the download. Never raises, whatever `raw` is."""
    fields, parts = read_mail(raw)
    return ShownMail(
        tuple((name, _plain(value[:MOST_FIELD_CHARACTERS])) for name, value in fields.items[:MOST_FIELDS]),
        tuple(part for part in map(_part, parts) if part.text is None or part.text.strip()),
    )


def _part(part: Part) -> ShownPart:
    if not (part.unopened or part.media_type.startswith(("text/", "message/"))):
        return ShownPart(_plain(part.media_type), len(part.body), None)
    text = part.text
    cut = len(text) > MOST_TEXT_CHARACTERS
    return ShownPart(_plain(part.media_type), len(part.body), _plain(text[:MOST_TEXT_CHARACTERS]), cut)


def _plain(text: str) -> str:
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)
