"""Sending the reports that have come due. Works on the platform's session and commits after each: one that can't be
written holds up no other.
"""

import json
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.database import ResellerRef
from platform_core.ids import MessageId, new_message_id
from relay_worker.notices.due import NoticeDue
from relay_worker.notices.queries import open_notices
from relay_worker.notices.report import MAILBOX, answers_a_report, write_report
from relay_worker.notices.words import subject_of

AT_ONCE = 100

_QUEUE = text("""
    SELECT relay.queue_notice(:at, :message_id, :action, :ns, jsonb_populate_record(NULL::relay.submission, :report), :raw)
""")
_DROP = text("SELECT relay.drop_notice(:reseller_id, :at, :message_id, :action, :ns)")

log = structlog.get_logger()


def send_due_notices(session: Session, reseller: ResellerRef, *, clock: Clock, patience: timedelta) -> int:
    """Queue the reseller's reports that have come due; how many. Each is queued once, whoever else does the same meanwhile."""
    found = session.scalar(text("SELECT relay.find_notices(:reseller_id)"), {"reseller_id": reseller.id})
    session.commit()
    due = open_notices(session, reseller.id, AT_ONCE) if found else []
    session.commit()
    return sum(_send(session, one, clock.now(), patience) for one in due)


def _send(session: Session, due: NoticeDue, now: datetime, patience: timedelta) -> bool:
    try:
        queued = _queue(session, due, now, patience)
        session.commit()
    except Exception:
        # What a report quotes comes from strangers; one that can't be written stays open, and is seen in the log.
        session.rollback()
        log.exception("notice.failed", reseller_id=due.reseller_id, message_id=str(due.message_id))
        return False
    return queued


def _queue(session: Session, due: NoticeDue, now: datetime, patience: timedelta) -> bool:
    key = {
        "at": now,
        "message_id": due.message_id,
        "action": due.action,
        "ns": [one.n for one in due.recipients],
    }
    if not due.host or answers_a_report(due):
        session.execute(_DROP, key | {"reseller_id": due.reseller_id})
        return False
    report_id = new_message_id(now)
    raw = write_report(due, report_id, now=now, patience=patience)
    return bool(session.scalar(_QUEUE, key | {"report": json.dumps(_row(due, report_id, raw)), "raw": raw}))


def _row(due: NoticeDue, report_id: MessageId, raw: bytes) -> dict[str, object]:
    """The columns of relay.submission that a report has."""
    return {
        "reseller_id": due.reseller_id,
        "message_id": str(report_id),
        "rcpt_to": due.mail_from,
        "header_from": f"{MAILBOX}@{due.host}",
        "subject": subject_of(due.action),
        "message_id_header": f"<{report_id}@{due.host}>",
        "smtputf8": not due.mail_from.isascii(),
        "body_8bit": not raw.isascii(),
    }
