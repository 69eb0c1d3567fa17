"""What a mail that came back says, as data that the database applies."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from platform_core.ids import AccountId, ResellerId
from platform_core.mail.states import BounceKind, EventKind
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.inbound.marks import InboundKind, Mark

MAX_TEXT = 1000  # characters of what the other side says

# Postgres takes no NUL in a text; lone surrogates are no characters.
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]+")


class NotUnderstood(Exception):
    """A mail that says nothing we could act on; its text is the reason for people to read."""


@dataclass(frozen=True, slots=True)
class UnreadMail:
    """A mail that came back, for one of our addresses. `tries`: how often it was taken to be read, this time included.

    `mail_from` is "" for the null sender.
    """

    id: int
    reseller_id: ResellerId | None
    kind: InboundKind
    mail_from: str
    rcpt_to: str
    client_address: str
    received_at: datetime
    raw: bytes
    tries: int


@dataclass(frozen=True, slots=True)
class OurMessage:
    """Which message of ours is meant: by its mark, or else by its Message-ID (without brackets) and its Date."""

    mark: Mark | None
    header_id: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one mail says of one recipient.

    `addresses`: by which names it calls the recipient; None where the mark names just this one and no other. `account_id`
    is known for a link alone. The rest tells of a bounce: why, and in the other side's words.
    """

    kind: EventKind
    message: OurMessage
    addresses: tuple[str, ...] | None
    origin: str
    account_id: AccountId | None = None
    bounce_kind: BounceKind | None = None
    outcome: OutcomeClass | None = None
    code: int = 0
    enhanced: str = ""
    text: str = ""


def as_rows(findings: Sequence[Finding], *, at: datetime, remote_address: str) -> str:
    """The findings as JSON that Postgres makes rows of relay.feedback of."""
    return json.dumps([_row(finding, at, remote_address) for finding in findings])


def _row(finding: Finding, at: datetime, remote_address: str) -> dict[str, object]:
    message, mark = finding.message, finding.message.mark
    return {
        "kind": finding.kind,
        "at": at.isoformat(),
        "origin": finding.origin,
        "message_id": str(mark.message_id) if mark else None,
        "n": mark.n if mark else None,
        "header_id": storable(message.header_id),
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "addresses": None if finding.addresses is None else [storable(one) for one in finding.addresses],
        "account_id": finding.account_id,
        "bounce_kind": finding.bounce_kind,
        "outcome_class": finding.outcome or "",
        "reply_code": finding.code,
        "enhanced_code": finding.enhanced,
        "reply_text": storable(finding.text)[:MAX_TEXT],
        "remote_address": remote_address,
    }


def storable(text: str) -> str:
    """`text` without what Postgres can't keep."""
    return _UNSTORABLE.sub(" ", text)
