"""The machine-readable part of a delivery report (RFC 3464 2), also as servers write it that have not read the RFC."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from relay_worker.bounces.mime import Fields, read_fields
from relay_worker.bounces.report import Action

MAX_RECIPIENTS = 200

_BLANK_LINES = re.compile(r"\n[ \t]*\n")
_RECIPIENT = ("final-recipient", "original-recipient", "x-actual-recipient", "x-original-recipient")
_TYPED = re.compile(r"\s*(?:rfc ?822|utf-8|smtp|x-[\w-]+|dns|unknown)\s*;\s*", re.IGNORECASE)
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})")
_COMMENT = re.compile(r"\(([^()]{1,300})\)")
_ACTIONS = {
    "failed": Action.FAILED,
    "failure": Action.FAILED,
    "expired": Action.FAILED,  # SendGrid
    "delayed": Action.DELAYED,
    "delivered": Action.DELIVERED,
    "delivery": Action.DELIVERED,
    "relayed": Action.RELAYED,
    "expanded": Action.EXPANDED,
}


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """The fields of one recipient. `comment` is what stands in brackets behind the status."""

    address: str
    original_address: str
    action: Action
    status: str
    comment: str
    diagnostic: str


def read_status(text: str) -> list[RecipientStatus]:
    """Every group of fields that names a recipient, or at least what happened to one; others are passed over."""
    found: list[RecipientStatus] = []
    for paragraph in _BLANK_LINES.split(text):
        for fields in _groups(read_fields(paragraph)):
            if len(found) < MAX_RECIPIENTS and (status := _recipient(fields)) is not None:
                found.append(status)
    return found


def _groups(fields: Fields) -> Iterator[Fields]:
    """One group for each Final-Recipient, for those who forget the empty line between two."""
    starts = [at for at, (name, _) in enumerate(fields.items) if name == "final-recipient"]
    cuts = [0, *starts[1:], len(fields.items)]
    return (Fields(fields.items[start:end]) for start, end in pairwise(cuts))


def _recipient(fields: Fields) -> RecipientStatus | None:
    named = next((value for name in _RECIPIENT if (value := bare_address(fields.get(name)))), "")
    stated = fields.get("action").lower().partition(" ")[0].rstrip(".;,")
    status = match[1] if (match := _STATUS.match(fields.get("status"))) else ""
    if not (named or stated) or not (stated or status or fields.get("diagnostic-code")):
        return None
    comment = match[1] if (match := _COMMENT.search(fields.get("status"))) else ""
    return RecipientStatus(
        address=named,
        original_address=bare_address(fields.get("original-recipient")),
        action=_ACTIONS.get(stated) or _action_of(status),
        status=status,
        comment=comment,
        diagnostic=_TYPED.sub("", fields.get("diagnostic-code"), count=1).strip(),
    )


def bare_address(value: str) -> str:
    """The address in a typed field (`rfc822; <a@b.example>`), "" when there is none."""
    address = _TYPED.sub("", value, count=1).strip().partition(" ")[0]
    address = address.removeprefix("<").removesuffix(">").strip()
    return address if "@" in address else ""


def _action_of(status: str) -> Action:
    return Action.DELIVERED if status.startswith("2") else Action.FAILED
