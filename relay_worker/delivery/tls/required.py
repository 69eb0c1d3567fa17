"""The header by which a sender says that its message may go without TLS: `TLS-Required: No` (RFC 8689 5)."""

import re

_FIELD = re.compile(rb"^TLS-Required:(.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


def says_tls_is_not_required(raw: bytes) -> bool:
    """True when the message has exactly one such field, and that says "No"; any other value is not defined.

    A word that may cost protection counts only when it is said without contradiction, so a second field undoes it.
    """
    end = _END_OF_HEADERS.search(raw)
    found = _FIELD.findall(raw, 0, end.start() if end else len(raw))
    return len(found) == 1 and found[0].strip().lower() == b"no"
