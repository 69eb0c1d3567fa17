"""Reads of mail that came back, for the platform's staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from platform_core.ids import ResellerId
from relay_worker.inbound.marks import InboundKind


class InboundState(StrEnum):
    UNREAD = "unread"
    APPLIED = "applied"
    NOT_UNDERSTOOD = "not_understood"
    DONE = "done"  # left to people, and they have dealt with it


@dataclass(frozen=True, slots=True)
class InboundLine:
    """A mail that came back, without its content. `size` in octets; `reason`: why it is left to people."""

    id: int
    reseller_id: ResellerId | None
    kind: InboundKind
    mail_from: str
    rcpt_to: str
    client_address: str
    received_at: datetime
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class InboundMail:
    """One of them, and how it stands."""

    line: InboundLine
    state: InboundState


def inbound_mail(session: Session, inbound_id: int) -> InboundMail:
    """Raises NotFound."""
    row = session.execute(text("SELECT * FROM relay.inbound_mail(:id)"), {"id": inbound_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no mail {inbound_id} here.")
    values = dict(row._mapping)
    state = InboundState(values.pop("state"))
    return InboundMail(InboundLine(**values), state)


def inbound_mails(
    session: Session, state: InboundState, *, reseller_id: ResellerId | None = None, limit: int = 100
) -> Sequence[InboundLine]:
    """The newest mails in that state, of one reseller or of all."""
    rows = session.execute(
        text("SELECT * FROM relay.inbound_mails(:state, :reseller, :limit)"),
        {"state": state, "reseller": reseller_id, "limit": limit},
    )
    return [InboundLine(**row._mapping) for row in rows]


def inbound_content(session: Session, inbound_id: int) -> bytes:
    """The mail as it came. Raises NotFound."""
    raw = session.execute(text("SELECT relay.inbound_content(:id)"), {"id": inbound_id}).scalar_one()
    if raw is None:
        raise NotFound(f"There is no mail {inbound_id} here.")
    return bytes(raw)
