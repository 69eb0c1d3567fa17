"""Verbs on who has something to do, on a session of the platform's rows; the caller commits."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.ids import ResellerId
from tenants.pending.queries import Pending

_SETTLE = text("SELECT relay.settle_work(:kind, :reseller_id, :rows)")
_FIND = text("SELECT relay.find_lost_work(:reseller_id)")


def settle_work(session: Session, done: Pending) -> None:
    """After a visit: nobody visits this reseller again for what it was visited for, unless something is left."""
    values = {"kind": done.work, "reseller_id": done.reseller.id, "rows": list(done.rows)}
    session.execute(_SETTLE, values)


def find_lost_work(session: Session, reseller_id: ResellerId) -> list[str]:
    """Look for work of which nothing tells, and note it; gives its kinds."""
    return list(session.scalar(_FIND, {"reseller_id": reseller_id}) or ())
