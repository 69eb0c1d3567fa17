"""Line ends: CRLF and nothing else (RFC 5321 2.3.8)."""

import re

from platform_core.mail.lines import ends_in_pairs

_ANY_LINE_END = re.compile(rb"\r\n|\r|\n")


def normalise_line_ends(raw: bytes) -> bytes:
    """`raw` with every bare CR or LF made a CRLF, and one at its end.

    This goes before everything: only then is it clear where header fields and lines end. Bare ones are what SMTP
    smuggling is made of, so none may leave, whatever let it in.
    """
    if not ends_in_pairs(raw):
        raw = _ANY_LINE_END.sub(b"\r\n", raw)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"
