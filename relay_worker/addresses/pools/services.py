"""Verbs on pools. They work on the platform's session; the caller commits."""

import re

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef
from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.ids import AccountId
from relay_worker.addresses.models import IpAddress, IpPool, PoolAssignment
from relay_worker.addresses.queries import assignments_of
from tenants.resellers.services import record_audit

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


def create_pool(
    session: Session,
    name: str,
    *,
    actor: str,
    reseller: ResellerRef | None = None,
    fallback: IpPool | None = None,
    is_default: bool = False,
) -> IpPool:
    """Make a pool; with `reseller` it is dedicated to that one. `is_default`: it takes the place of the default until now.

    Raises InvalidInput or AlreadyExists; roll back after either.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "name", "A pool's name has at most 41 lower-case letters, digits and hyphens, no hyphen in front."
        )
    if is_default and reseller is not None:
        raise InvalidInput("default", "The default pool is for all; it can't be dedicated to one reseller.")
    pool = IpPool(name=name, reseller_id=None if reseller is None else reseller.id)
    set_fallback(session, pool, fallback)
    if is_default:
        session.execute(update(IpPool).where(IpPool.is_default).values(is_default=False))
        pool.is_default = True
    try:
        session.add(pool)
        session.flush()
    except IntegrityError as error:
        raise AlreadyExists(f"A pool with the name {name} exists already.") from error
    record_audit(session, actor, "pool.create", reseller, pool=name)
    return pool


def set_fallback(session: Session, pool: IpPool, fallback: IpPool | None) -> None:
    """Where mail goes that no address of `pool` may send now. Raises InvalidInput for another reseller's pool, or a circle."""
    following = fallback
    while following is not None:
        if following is pool:
            raise InvalidInput("fallback", f"{pool.name} would fall back on itself.")
        if following.reseller_id not in (None, pool.reseller_id):
            raise InvalidInput("fallback", f"{following.name} is dedicated to another reseller.")
        following = session.get(IpPool, following.fallback_id) if following.fallback_id else None
    pool.fallback_id = None if fallback is None else fallback.id


def delete_pool(session: Session, pool: IpPool, *, actor: str) -> None:
    """Remove an empty pool that nobody sends from. Raises InvalidInput."""
    if session.scalar(select(IpAddress.id).where(IpAddress.pool_id == pool.id).limit(1)):
        raise InvalidInput("pool", f"{pool.name} still has addresses, retired ones count; move them first.")
    if assignments_of(session, pool.id):
        raise InvalidInput("pool", f"{pool.name} is still assigned; unassign it first.")
    session.delete(pool)
    session.flush()
    record_audit(session, actor, "pool.delete", None, pool=pool.name)


def assign_pool(
    session: Session, pool: IpPool, reseller: ResellerRef, account_id: AccountId | None, *, actor: str
) -> PoolAssignment:
    """Let an account send from the pool, or (None) all of the reseller that have none of their own.

    In place of what was assigned before. The caller makes sure that the account is the reseller's. Raises InvalidInput
    for a pool that is dedicated to another reseller.
    """
    if not pool.serves(reseller.id):
        raise InvalidInput("pool", f"{pool.name} is dedicated to another reseller.")
    found = _assignment(session, reseller, account_id)
    if found is None:
        found = PoolAssignment(reseller_id=reseller.id, account_id=account_id)
        session.add(found)
    found.pool = pool
    session.flush()
    record_audit(session, actor, "pool.assign", reseller, pool=pool.name, account=_named(account_id))
    return found


def unassign_pool(
    session: Session, reseller: ResellerRef, account_id: AccountId | None, *, actor: str
) -> None:
    """Back to the reseller's pool, or (None) to the default. Raises NotFound."""
    found = _assignment(session, reseller, account_id)
    if found is None:
        raise NotFound("No pool is assigned there.")
    session.delete(found)
    session.flush()
    record_audit(session, actor, "pool.unassign", reseller, account=_named(account_id))


def _assignment(
    session: Session, reseller: ResellerRef, account_id: AccountId | None
) -> PoolAssignment | None:
    return session.scalar(
        select(PoolAssignment)
        .where(
            PoolAssignment.reseller_id == reseller.id,
            PoolAssignment.account_id.is_not_distinct_from(account_id),
        )
        .with_for_update()
    )


def _named(account_id: AccountId | None) -> str:
    return "all" if account_id is None else str(account_id)
