"""A message while it is being built: header fields and body, and what the steps need to know."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from relay_worker.delivery.marks import Marks
from relay_worker.delivery.verp import ReturnPaths
from relay_worker.queue.claims import Claimed, SenderIdentity

_FIELD_END = re.compile(rb"\r\n(?![ \t])")


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """Where a message's bounces go, but for the number of the recipient."""

    claimed: Claimed
    host: str
    paths: ReturnPaths

    def for_recipient(self, n: int) -> str:
        return f"{self.paths.local_part(self.claimed.message_id, n)}@{self.host}"


@dataclass(frozen=True, slots=True)
class Draft:
    """One message between two steps.

    `fields` are the header fields in order, whole (`Name: value`, folds included), without the CRLF at their end.
    `claimed` is any one of the recipients: unless it is `alone`, only what is the same for all of them may be read from
    it. `return_path` None leaves the envelope sender as it is.
    """

    claimed: Claimed
    alone: bool
    sender: SenderIdentity
    marks: Marks
    now: datetime
    fields: tuple[bytes, ...]
    body: bytes
    return_path: ReturnPath | None = None

    def names(self) -> set[bytes]:
        """The names of all header fields, in lower case."""
        return {name_of(field) for field in self.fields}

    def without(self, names: frozenset[bytes]) -> tuple[bytes, ...]:
        """The header fields whose name (in lower case) is none of these."""
        return tuple(field for field in self.fields if name_of(field) not in names)

    def raw(self) -> bytes:
        """The message as bytes."""
        return b"\r\n".join([*self.fields, b"", self.body])

    def with_raw(self, raw: bytes) -> "Draft":
        """The same draft with another message in it. Line ends must be CRLF."""
        fields, body = split_message(raw)
        return replace(self, fields=fields, body=body)


def name_of(field: bytes) -> bytes:
    """The name of a header field, in lower case."""
    return field.partition(b":")[0].rstrip(b" \t").lower()


def split_message(raw: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """Header fields and body of a message with CRLF line ends (RFC 5322 2.1); a message may be all header."""
    if raw.startswith(b"\r\n"):
        return (), raw[2:]
    header, _, body = raw.partition(b"\r\n\r\n")
    fields = _FIELD_END.split(header.removesuffix(b"\r\n"))
    return tuple(fields), body
