"""Reads of pools, addresses and what came of sending from them. All are the platform's rows."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from platform_core.errors import NotFound
from platform_core.ids import ResellerId
from relay_worker.addresses.models import DnsblZone, IpAddress, IpPool, IpResult, PoolAssignment
from relay_worker.addresses.states import AddressState
from relay_worker.addresses.tally import Tally

_COUNTS = (
    IpResult.delivered,
    IpResult.deferred,
    IpResult.throttled,
    IpResult.blocked,
    IpResult.bounced,
    IpResult.complained,
)


def all_pools(session: Session) -> list[IpPool]:
    """The default first, then by name."""
    return list(session.scalars(select(IpPool).order_by(IpPool.is_default.desc(), IpPool.name)))


def pool_by_name(session: Session, name: str) -> IpPool:
    """Raises NotFound."""
    pool = session.scalar(select(IpPool).where(IpPool.name == name))
    if pool is None:
        raise NotFound(f"There is no pool with the name {name}.")
    return pool


def all_addresses(session: Session) -> list[IpAddress]:
    """Every address with its pool, those that are retired last."""
    query = select(IpAddress).options(joinedload(IpAddress.pool))
    found = session.scalars(query.order_by(IpAddress.state == AddressState.RETIRED, IpAddress.id))
    return list(found)


def address_named(session: Session, address: str) -> IpAddress:
    """The row of an IP address in its canonical form. Raises NotFound."""
    found = session.scalar(
        select(IpAddress).options(joinedload(IpAddress.pool)).where(IpAddress.address == address)
    )
    if found is None:
        raise NotFound(f"{address} is none of our addresses.")
    return found


def address_by_id(session: Session, ip_id: int) -> IpAddress:
    """Raises NotFound."""
    found = session.get(IpAddress, ip_id)
    if found is None:
        raise NotFound("There is no such address.")
    return found


def own_addresses(session: Session, reseller_id: ResellerId) -> list[IpAddress]:
    """The addresses that are dedicated to a reseller, without those that are retired. Nobody else's are among them."""
    query = (
        select(IpAddress)
        .join(IpPool, IpPool.id == IpAddress.pool_id)
        .options(joinedload(IpAddress.pool))
        .where(IpPool.reseller_id == reseller_id, IpAddress.state != AddressState.RETIRED)
    )
    return list(session.scalars(query.order_by(IpAddress.id)))


def assignments_of(session: Session, pool_id: int) -> list[PoolAssignment]:
    """Who sends from a pool."""
    query = select(PoolAssignment).where(PoolAssignment.pool_id == pool_id)
    return list(session.scalars(query.order_by(PoolAssignment.reseller_id, PoolAssignment.account_id)))


def all_zones(session: Session) -> list[DnsblZone]:
    """The block lists that we look into."""
    return list(session.scalars(select(DnsblZone).order_by(DnsblZone.zone)))


def tally_of(row: IpResult) -> Tally:
    return Tally(*(getattr(row, count.key) for count in _COUNTS))


def tallies_since(session: Session, since: datetime) -> dict[int, Tally]:
    """What came of attempts from each address since then, over all providers."""
    sums = [func.sum(count).label(count.key) for count in _COUNTS]
    rows = session.execute(
        select(IpResult.ip_id, *sums).where(IpResult.hour >= since).group_by(IpResult.ip_id)
    )
    return {row.ip_id: Tally(*(int(row._mapping[count.key]) for count in _COUNTS)) for row in rows}


def hours_of(session: Session, ip_id: int, since: datetime) -> dict[datetime, Tally]:
    """By hour, over all providers; hours without mail are left out."""
    rows = session.scalars(
        select(IpResult).where(IpResult.ip_id == ip_id, IpResult.hour >= since).order_by(IpResult.hour)
    )
    found: dict[datetime, Tally] = defaultdict(Tally)
    for row in rows:
        found[row.hour] += tally_of(row)
    return dict(found)


def last_used_days(session: Session) -> dict[tuple[int, str], date]:
    """The last day (UTC) on which each address sent to each provider."""
    query = select(IpResult.ip_id, IpResult.provider, func.max(IpResult.hour)).group_by(
        IpResult.ip_id, IpResult.provider
    )
    return {
        (ip_id, provider): hour.astimezone(UTC).date() for ip_id, provider, hour in session.execute(query)
    }


def week_before(now: datetime) -> datetime:
    """Where the time begins that a reputation is made of."""
    return now - timedelta(days=7)
