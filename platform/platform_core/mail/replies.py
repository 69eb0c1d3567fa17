"""An SMTP reply as data: code, enhanced code, text."""

import re
from dataclasses import dataclass

_ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply: `code` (RFC 5321 4.2), `enhanced` (RFC 3463; "" when none was given), `text` without both.

    A multi-line reply keeps its lines in `text`, joined by a newline, each without code and enhanced code.
    """

    code: int
    enhanced: str
    text: str

    @property
    def positive(self) -> bool:
        return 200 <= self.code < 400

    @property
    def transient(self) -> bool:
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600

    def line(self) -> str:
        """The reply in one line, as it goes over the wire when it has a single line (no CRLF)."""
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


def parse_reply(code: int, lines: list[str]) -> Reply:
    """A reply from its code and its lines (already without code and separator).

    The enhanced code is taken from the first line and stripped from every line that repeats it (RFC 2034 4).
    """
    match = _ENHANCED.match(lines[0]) if lines else None
    if match is None or int(match[1]) != code // 100:
        return Reply(code, "", "\n".join(lines))
    enhanced = f"{match[1]}.{match[2]}.{match[3]}"
    stripped = [line.removeprefix(enhanced).lstrip() for line in lines]
    return Reply(code, enhanced, "\n".join(stripped))
