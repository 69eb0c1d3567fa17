"""Header fields that every message must have, and those that no message may leave with."""

from dataclasses import replace
from email.utils import format_datetime

from relay_worker.delivery.draft import Draft

# RFC 5321 4.4: only the last server writes Return-Path. Bcc would tell everybody what it is there to hide.
PRIVATE = frozenset({b"return-path", b"bcc", b"resent-bcc"})


def drop_private_headers(draft: Draft) -> Draft | None:
    """Take out what is for us alone."""
    return replace(draft, fields=draft.without(PRIVATE)) if draft.names() & PRIVATE else None


def add_missing_headers(draft: Draft) -> Draft | None:
    """Date and Message-ID where the message has none (RFC 6409 8); the same ones at every attempt."""
    names = draft.names()
    added: list[bytes] = []
    if b"date" not in names:
        added.append(b"Date: " + format_datetime(draft.claimed.accepted_at).encode("ascii"))
    if b"message-id" not in names:
        identifier = f"<{draft.claimed.message_id}@{draft.sender.signing_domain}>"
        added.append(b"Message-ID: " + identifier.encode("ascii"))
    return replace(draft, fields=(*draft.fields, *added)) if added else None
