"""The mailbox in a From field: a short way for the usual forms, the full parser for odd ones."""

import re
from email.errors import NonASCIILocalPartDefect
from email.headerregistry import AddressHeader, HeaderRegistry

from platform_core.mail.addresses import Address, AddressSyntax
from relay_worker.submission.envelope import parse_mailbox
from relay_worker.submission.replies import ONE_FROM_WANTED, Refused

_MAX_ODD_BYTES = (
    998  # the full parser's time grows with the square of its input: 15 ms for the worst of this size
)

# `address`, `<address>`, `"name" <address>` and `Some name <address>` with nothing in the name that could be read as
# an address, a group, a comment or a list.
_USUAL = re.compile(
    rb"[ \t]*+(?:"
    rb'(?:"[^"\\\x00-\x08\x0a-\x1f\x7f]*+"|[A-Za-z0-9!#$%&\'*+/=?^_`{|}~. \t\x80-\xff-]*+)[ \t]*+'
    rb"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]++@[A-Za-z0-9.-]++)>"
    rb"|([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]++@[A-Za-z0-9.-]++)"
    rb")[ \t]*+"
)
_registry = HeaderRegistry()


def mailbox_of_from(values: list[bytes]) -> Address:
    """The one mailbox of the one From field. Raises Refused when there are more, or none (RFC 5322 3.6.2).

    RFC 5322 allows several mailboxes; then nobody could say which domain answers for the message (RFC 7489 6.6.1).
    """
    if len(values) != 1:
        raise Refused(ONE_FROM_WANTED)
    value = values[0].replace(b"\r\n", b"")
    match = _USUAL.fullmatch(value)
    text = (match[1] or match[2]).decode("ascii") if match else _odd_mailbox(value)
    try:
        return parse_mailbox(text)
    except AddressSyntax as error:
        raise Refused(ONE_FROM_WANTED) from error


def _odd_mailbox(value: bytes) -> str:
    """The address in an odd From: comments, quoted local parts, non-ASCII addresses. Raises Refused unless it is one."""
    if len(value) > _MAX_ODD_BYTES:
        raise Refused(ONE_FROM_WANTED)
    try:
        header = _registry("From", value.decode("utf-8", "replace").strip())
    except Exception as error:
        # The parser meets hostile input here, and what it raises then is not documented.
        raise Refused(ONE_FROM_WANTED) from error
    # Obsolete syntax (RFC 5322 4.4) counts as a defect: servers read routes and the like in different ways. A local
    # part beyond ASCII is none since RFC 6532.
    if not isinstance(header, AddressHeader) or any(
        not isinstance(defect, NonASCIILocalPartDefect) for defect in header.defects
    ):
        raise Refused(ONE_FROM_WANTED)
    groups, mailboxes = header.groups, header.addresses
    if len(mailboxes) != 1 or len(groups) != 1 or groups[0].display_name is not None:
        raise Refused(ONE_FROM_WANTED)
    return mailboxes[0].addr_spec
