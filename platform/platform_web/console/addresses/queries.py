"""The page of addresses: every pool with its own."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from relay_worker.addresses.models import IpPool, PoolAssignment
from relay_worker.addresses.overview import AddressOverview, every_address
from relay_worker.addresses.queries import all_pools
from tenants.models import Reseller


@dataclass(frozen=True, slots=True)
class PoolSection:
    """One pool. `owner`: the reseller it is dedicated to; `assigned`: how many resellers and accounts are sent there."""

    pool: IpPool
    owner: str | None
    fallback: str | None
    assigned: int
    addresses: tuple[AddressOverview, ...]


def pool_sections(session: Session, now: datetime) -> list[PoolSection]:
    """Every pool, the default first."""
    pools, addresses = all_pools(session), every_address(session, now)
    names = {pool.id: pool.name for pool in pools}
    owners = _owners(session, pools)
    assigned = _assigned(session)
    return [
        PoolSection(
            pool,
            owners[pool.reseller_id] if pool.reseller_id else None,
            names[pool.fallback_id] if pool.fallback_id else None,
            assigned[pool.id],
            tuple(one for one in addresses if one.pool_id == pool.id),
        )
        for pool in pools
    ]


def _owners(session: Session, pools: list[IpPool]) -> dict[int, str]:
    ids = [pool.reseller_id for pool in pools if pool.reseller_id]
    rows = session.execute(select(Reseller.id, Reseller.name).where(Reseller.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _assigned(session: Session) -> Counter[int]:
    query = select(PoolAssignment.pool_id, func.count()).group_by(PoolAssignment.pool_id)
    return Counter(dict(session.execute(query).all()))
