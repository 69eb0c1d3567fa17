"""Reads of who has something to do, on a session of the platform's rows."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef
from platform_core.ids import ResellerId, ResellerKey
from tenants.models import State
from tenants.pending.kinds import Work


@dataclass(frozen=True, slots=True)
class Pending:
    """A reseller that may have work of this kind. `rows`: ids of what says so, to be settled after the visit."""

    work: Work
    reseller: ResellerRef
    state: State
    rows: tuple[int, ...]


_PENDING = text("""
    SELECT r.id, r.key, r.state, array_agg(w.id) AS rows
    FROM relay.pending_work w JOIN platform.reseller r ON r.id = w.reseller_id
    WHERE w.kind = :kind GROUP BY r.id ORDER BY r.id
""")


def pending(session: Session, work: Work) -> list[Pending]:
    """Every reseller that may have work of this kind."""
    return [
        Pending(
            work, ResellerRef(ResellerId(row.id), ResellerKey(row.key)), State(row.state), tuple(row.rows)
        )
        for row in session.execute(_PENDING, {"kind": work})
    ]
