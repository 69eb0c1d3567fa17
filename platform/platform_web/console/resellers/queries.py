"""A page of resellers with their figures. Each is read inside its own schema; no query joins two."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.database import tenant_session
from platform_core.ids import ResellerId
from relay_worker.reports.queries import DayFigures, QueueDepth, queue_depths, reseller_today
from tenants.models import Hostname, HostPurpose, Reseller

PAGE = 25


@dataclass(frozen=True, slots=True)
class ResellerLine:
    """One reseller with its day (UTC) so far; `waiting` is None when nothing waits."""

    reseller: Reseller
    portal: str | None
    today: DayFigures
    waiting: QueueDepth | None


@dataclass(frozen=True, slots=True)
class ResellerPage:
    lines: tuple[ResellerLine, ...]
    number: int
    more: bool


def reseller_page(session: Session, *, name: str, number: int, now: datetime) -> ResellerPage:
    """Page `number` (from 1) of the resellers whose name or key contains `name`, by name."""
    depths = {depth.reseller_id: depth for depth in queue_depths(session)}
    query = select(Reseller).order_by(Reseller.name, Reseller.id).offset((number - 1) * PAGE).limit(PAGE + 1)
    if name:
        query = query.where(
            Reseller.name.icontains(name, autoescape=True) | Reseller.key.icontains(name, autoescape=True)
        )
    found = list(session.scalars(query))
    portals = _portals(session, found[:PAGE])
    lines = tuple(
        ResellerLine(one, portals.get(one.id), _today(one, now), depths.get(one.id)) for one in found[:PAGE]
    )
    return ResellerPage(lines, number, more=len(found) > PAGE)


def _today(reseller: Reseller, now: datetime) -> DayFigures:
    with tenant_session(reseller.ref) as session:
        return reseller_today(session, now)


def _portals(session: Session, resellers: list[Reseller]) -> dict[ResellerId, str]:
    """The oldest portal host of each."""
    query = (
        select(Hostname.reseller_id, Hostname.name)
        .where(
            Hostname.purpose == HostPurpose.PORTAL, Hostname.reseller_id.in_([one.id for one in resellers])
        )
        .order_by(Hostname.created_at.desc(), Hostname.name.desc())
    )
    # Newest first, so that the oldest, which is the one in use, is written last.
    return {row.reseller_id: row.name for row in session.execute(query)}
