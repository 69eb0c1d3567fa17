"""Questions about the lines of a message (RFC 5321 2.3.8, 4.5.2).

Each message is asked them at both ends of its way. A pattern is found in half the time that `in` and `count` take for more
than one octet.
"""

import re

_CR_ALONE = re.compile(rb"\r(?!\n)")
_DOT_AHEAD = re.compile(rb"\r\n\.")


def ends_in_pairs(raw: bytes) -> bool:
    """True when each CR and each LF is one half of a CRLF."""
    return raw.count(b"\n") == raw.count(b"\r") and _CR_ALONE.search(raw) is None


def has_dot_ahead(raw: bytes) -> bool:
    """True when a line beyond the first begins with a dot."""
    return _DOT_AHEAD.search(raw) is not None
