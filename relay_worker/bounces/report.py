"""A delivery report as data: what became of which recipient, and of which message of ours it speaks."""

from dataclasses import dataclass
from enum import StrEnum

from platform_core.mail.states import BounceKind
from relay_worker.bounces.classes import HARD_CLASSES, MEANINGS, OutcomeClass
from relay_worker.bounces.mime import NO_FIELDS, Fields


class ReportKind(StrEnum):
    """What a mail to a return path is. A report on several recipients is the gravest of theirs."""

    BOUNCE = "bounce"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    AUTO_REPLY = "auto_reply"
    OTHER = "other"


class Action(StrEnum):
    """RFC 3464 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """One recipient in a report. "" and 0 where the report does not say.

    `address` is where the mail went in the end, `original_address` what we had asked for, where the two are told
    apart (a forwarding). `code` and `enhanced` are the remote's where its words are quoted, else the reporter's.
    """

    address: str
    original_address: str
    action: Action
    outcome: OutcomeClass
    code: int
    enhanced: str
    diagnostic: str

    @property
    def bounce_kind(self) -> BounceKind | None:
        """Hard only for an address that is gone for good; None when nothing failed."""
        return MEANINGS[self.outcome].kind if self.action is Action.FAILED else None

    @property
    def hard(self) -> bool:
        return self.action is Action.FAILED and self.outcome in HARD_CLASSES


@dataclass(frozen=True, slots=True)
class Report:
    """A mail to a return path. A bounce has at least one recipient, whose address may be "".

    `original_message_id` is without its angle brackets; `original` are the header fields of the message reported on,
    as far as they came back.
    """

    kind: ReportKind
    recipients: tuple[RecipientReport, ...] = ()
    original_message_id: str = ""
    original: Fields = NO_FIELDS
