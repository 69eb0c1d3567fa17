"""A report that has come due, as the database tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from platform_core.ids import MessageId, ResellerId
from platform_core.mail.dsn import DsnRequest
from platform_core.mail.states import RecipientState
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.bounces.report import Action

_OUTCOMES = frozenset(OutcomeClass)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one recipient. `status` is the remote's enhanced code and `diagnostic` its reply; "" without."""

    n: int
    rcpt_to: str
    asked: DsnRequest
    at: datetime
    state: RecipientState
    outcome: OutcomeClass | None
    status: str
    diagnostic: str
    remote_host: str

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        return cls(
            n=row["n"],
            rcpt_to=row["rcpt_to"],
            asked=DsnRequest.parse(row["dsn"]),
            at=datetime.fromisoformat(row["at"]),
            state=RecipientState(row["state"]),
            outcome=_outcome(row["outcome_class"]),
            status=row["status"],
            diagnostic=row["diagnostic"],
            remote_host=row["remote_host"],
        )


def _outcome(stored: str) -> OutcomeClass | None:
    """None where no server was asked, and so none has given a reason."""
    return OutcomeClass(stored) if stored in _OUTCOMES else None


@dataclass(frozen=True, slots=True)
class NoticeDue:
    """One report: what is to be told of a message (`subject`, `message_id_header`), to its sender `mail_from`.

    `original` holds the whole message when `whole`, else its beginning with the header; None when it is not kept.
    `company_name`, `smtp_host` and `return_path_host` ("" without) are the reseller's, in whose name it is sent.
    """

    reseller_id: ResellerId
    company_name: str
    smtp_host: str
    return_path_host: str
    message_id: MessageId
    action: Action
    mail_from: str
    envelope_id: str
    received_at: datetime
    header_from: str
    subject: str
    message_id_header: str
    whole: bool
    original: bytes | None
    recipients: tuple[Fate, ...]

    @property
    def host(self) -> str:
        """The name that the report comes from: where answers to it arrive, as far as there is such a host."""
        return self.return_path_host or self.smtp_host
