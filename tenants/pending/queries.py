"""Reads of who has something to do, on a session of the platform's rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef
from platform_core.ids import ResellerId, ResellerKey
from tenants.models import Reseller, State
from tenants.pending.kinds import TimelyWork, Work


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

_HAVING = text("SELECT relay.having_work(:kind, :resellers)")


def pending(session: Session, work: Work) -> list[Pending]:
    """Every reseller that may have work of this kind."""
    return [
        Pending(
            work, ResellerRef(ResellerId(row.id), ResellerKey(row.key)), State(row.state), tuple(row.rows)
        )
        for row in session.execute(_PENDING, {"kind": work})
    ]


def every_reseller(session: Session) -> list[ResellerRef]:
    """Suspended or not, in the order of their ids."""
    return [one.ref for one in session.scalars(select(Reseller).order_by(Reseller.id))]


def active_resellers(session: Session) -> list[ResellerRef]:
    """Those that are not suspended, in the order of their ids."""
    query = select(Reseller).where(Reseller.state == State.ACTIVE).order_by(Reseller.id)
    return [one.ref for one in session.scalars(query)]


def having_work(session: Session, work: TimelyWork, resellers: Sequence[ResellerRef]) -> list[ResellerRef]:
    """Those of them that have work of this kind, or can't be looked at. Until the session ends, looking locks a little."""
    found = session.scalar(_HAVING, {"kind": work, "resellers": [one.id for one in resellers]})
    return [one for one in resellers if one.id in set(found or ())]
