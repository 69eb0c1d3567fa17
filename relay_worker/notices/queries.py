"""Reads of reports, through the database's own functions, on a session of the platform's rows."""

from collections.abc import Sequence

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from platform_core.ids import MessageId, ResellerId
from relay_worker.bounces.report import Action
from relay_worker.notices.due import Fate, NoticeDue

# RET=FULL gives back no more than that many octets: a report must not be a second large mail (RFC 3461 6.2).
LARGEST_ORIGINAL = 102_400


def open_notices(session: Session, reseller_id: ResellerId, limit: int) -> list[NoticeDue]:
    """Reports of a reseller that are to be sent, at most `limit`."""
    rows = session.execute(
        text("SELECT * FROM relay.open_notices(:reseller_id, :limit, :most)"),
        {"reseller_id": reseller_id, "limit": limit, "most": LARGEST_ORIGINAL},
    )
    return [_due(row) for row in rows]


def _due(row: Row[tuple[object, ...]]) -> NoticeDue:
    return NoticeDue(
        reseller_id=ResellerId(row.reseller_id),
        company_name=row.company_name,
        smtp_host=row.smtp_host,
        return_path_host=row.return_path_host,
        message_id=MessageId(row.message_id),
        action=Action(row.action),
        mail_from=row.mail_from,
        envelope_id=row.envelope_id,
        received_at=row.received_at,
        header_from=row.header_from,
        subject=row.subject,
        message_id_header=row.message_id_header,
        whole=row.whole,
        original=None if row.original is None else bytes(row.original),
        recipients=_fates(row.recipients),
    )


def _fates(rows: Sequence[dict[str, object]]) -> tuple[Fate, ...]:
    return tuple(Fate.from_row(row) for row in rows)
