"""Pauses: mail that staff want to wait. On a session of the platform's rows; the caller commits.

A pause stops no acceptance: mail of a paused account is taken, and waits. The hours that a pause lasts do not count
against the time that mail has for its delivery.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.errors import InvalidInput, NotFound
from platform_core.ids import ResellerId
from relay_worker.queue.selection import Selection
from tenants.resellers.queries import reseller_by_id
from tenants.resellers.services import record_audit

_COLUMNS = (
    """id, reseller_id, account_id, sender_domain, rcpt_domain, lane, reason, paused_by, paused_at, until"""
)
_ACTIVE = text(f"SELECT {_COLUMNS} FROM relay.active_pause ORDER BY id")  # noqa: S608 - a list of columns
_PAUSE = text(f"""
    INSERT INTO relay.pause (reseller_id, account_id, sender_domain, rcpt_domain, lane, reason, paused_by, paused_at, until)
    VALUES (:reseller_id, :account_id, :sender_domain, :rcpt_domain, :lane, :reason, :actor, :now, :until)
    RETURNING {_COLUMNS}
""")  # noqa: S608 - a list of columns
_END = text(f"""
    UPDATE relay.pause SET ended_at = :now
    WHERE id = :id AND ended_at IS NULL AND resumed_at IS NULL RETURNING {_COLUMNS}
""")  # noqa: S608 - a list of columns


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that lasts: until it is ended, or until `until`."""

    id: int
    wanted: Selection
    reason: str
    paused_by: str
    paused_at: datetime
    until: datetime | None


def active_pauses(session: Session) -> list[Pause]:
    """Those that last, the oldest first."""
    return [_pause(row) for row in session.execute(_ACTIVE)]


def pause(
    session: Session,
    wanted: Selection,
    *,
    reason: str,
    actor: str,
    clock: Clock,
    until: datetime | None = None,
) -> Pause:
    """Let what is meant wait from the next claim on. Raises InvalidInput."""
    now = clock.now()
    if wanted.message_id is not None:
        raise InvalidInput("message", "A single message can't be paused; drop it, or pause its account.")
    if wanted.sender_domain is not None and wanted.account_id is None:
        raise InvalidInput("sender", "A sending domain belongs to an account: name that, too.")
    if not reason.strip():
        raise InvalidInput("reason", "Say why, for whoever finds it paused.")
    if until is not None and until <= now:
        raise InvalidInput("until", "The end of the pause is already over.")
    values = {
        "reseller_id": wanted.reseller_id,
        "account_id": wanted.account_id,
        "sender_domain": wanted.sender_domain,
        "rcpt_domain": wanted.rcpt_domain,
        "lane": wanted.lane,
    }
    row = session.execute(
        _PAUSE, {**values, "reason": reason.strip(), "actor": actor, "now": now, "until": until}
    ).one()
    made = _pause(row)
    _audit(session, actor, "queue.pause", made)
    return made


def end_pause(session: Session, pause_id: int, *, actor: str, clock: Clock) -> Pause:
    """What was set aside comes back into the queue within seconds, in batches. Raises NotFound."""
    row = session.execute(_END, {"id": pause_id, "now": clock.now()}).one_or_none()
    if row is None:
        raise NotFound("There is no such pause, or it is over already.")
    ended = _pause(row)
    _audit(session, actor, "queue.resume", ended)
    return ended


def resume_some(session: Session, most: int) -> int:
    """Put back up to `most` recipients whose pause is over; says how many, 0 when nothing is left."""
    return int(session.scalar(text("SELECT relay.resume(:most)"), {"most": most}) or 0)


def _pause(row: object) -> Pause:
    found = row._mapping  # type: ignore[attr-defined]  # a row of SQLAlchemy
    wanted = Selection(
        reseller_id=found["reseller_id"],
        account_id=found["account_id"],
        sender_domain=found["sender_domain"],
        rcpt_domain=found["rcpt_domain"],
        lane=found["lane"],
    )
    return Pause(found["id"], wanted, found["reason"], found["paused_by"], found["paused_at"], found["until"])


def _audit(session: Session, actor: str, action: str, pause: Pause) -> None:
    reseller_id = pause.wanted.reseller_id
    reseller = None if reseller_id is None else reseller_by_id(session, ResellerId(reseller_id)).ref
    record_audit(session, actor, action, reseller, pause=str(pause.id), reason=pause.reason)
