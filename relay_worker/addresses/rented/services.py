"""Handing rented addresses over and taking them back, on the platform's session; the caller commits.

Whoever rents has a pool of its own with all its addresses: a customer's account sends from it, and of a reseller all accounts
that have no pool of their own. The database itself lets no address be in two orders at a time.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billing.payments.models import IpOrder
from billing.payments.orders import close_order, waiting_order
from billing.payments.states import OrderState
from platform_core.clock import Clock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.ids import AccountId
from relay_worker.addresses.models import IpAddress, IpPool
from relay_worker.addresses.pools.services import assign_pool, create_pool, delete_pool, unassign_pool
from relay_worker.addresses.queries import assignments_of
from relay_worker.addresses.rented.models import RentedAddress
from relay_worker.addresses.rented.queries import entitled, orders_with_addresses, rented_to
from relay_worker.addresses.services import move_address, parse_ip
from relay_worker.addresses.states import AddressState
from tenants.accounts.queries import main_account
from tenants.resellers.queries import reseller_by_id


def hand_over_addresses(
    session: Session, order_id: int, addresses: Sequence[str], *, clock: Clock, actor: str
) -> IpPool:
    """Give an order the addresses that it waits for, all of them at once; gives the pool that they are in.

    Raises NotFound for an order that waits for none, or an address that is none of ours, InvalidInput for another number
    than it waits for or an address that can't be rented, and AlreadyExists for one that is; roll back after any of them.
    """
    order = waiting_order(session, order_id)
    missing = order.addresses - len(rented_to(session, order.id))
    if len(set(addresses)) != missing or len(addresses) != missing:
        raise InvalidInput("address", f"The order waits for {missing} addresses; name each of them once.")
    reseller = reseller_by_id(session, order.reseller_id).ref
    pool = _pool_of(session, order, reseller, actor)
    for address in addresses:
        _hand_over(session, order, _rentable(session, order, address), pool, clock.now(), actor)
    assign_pool(session, pool, reseller, _sender(order, reseller), actor=actor)
    close_order(order, OrderState.FULFILLED, clock)
    session.flush()
    return pool


def take_back_addresses(session: Session, *, clock: Clock, actor: str) -> int:
    """Put addresses whose order is over, or pays for fewer by now, back into the pools that they came from; how many."""
    taken = 0
    for order in orders_with_addresses(session):
        for rented in rented_to(session, order.id)[entitled(order) :]:
            _take_back(session, order, rented, clock.now(), actor)
            taken += 1
    return taken


def _hand_over(
    session: Session, order: IpOrder, found: IpAddress, pool: IpPool, now: datetime, actor: str
) -> None:
    came_from = found.pool_id
    move_address(session, found, pool, actor=actor)
    session.add(RentedAddress(order_id=order.id, ip_id=found.id, came_from=came_from, handed_over_at=now))
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyExists(f"{found.address} is rented to somebody already.") from error


def _rentable(session: Session, order: IpOrder, address: str) -> IpAddress:
    """The address, locked. Raises NotFound, InvalidInput and AlreadyExists."""
    wanted = parse_ip(address)
    found = session.scalar(select(IpAddress).where(IpAddress.address == wanted).with_for_update())
    if found is None:
        raise NotFound(f"{wanted} is none of our addresses.")
    if found.state == AddressState.RETIRED:
        raise InvalidInput("address", f"{wanted} is retired.")
    if not found.pool.serves(order.reseller_id):
        raise InvalidInput("address", f"{wanted} is dedicated to another reseller.")
    return found


def _take_back(session: Session, order: IpOrder, rented: RentedAddress, now: datetime, actor: str) -> None:
    rented.returned_at = now
    session.flush()
    found = session.get_one(IpAddress, rented.ip_id)
    left = found.pool
    home = _home(session, rented)
    if home is None or home is left:
        return
    move_address(session, found, home, actor=actor)
    if session.scalar(select(IpAddress.id).where(IpAddress.pool_id == left.id).limit(1)) is None:
        _close_pool(session, left, reseller_by_id(session, order.reseller_id).ref, actor)


def _home(session: Session, rented: RentedAddress) -> IpPool | None:
    """Where it came from; if that pool is gone, the default."""
    if rented.came_from is not None:
        return session.get(IpPool, rented.came_from)
    return _default_pool(session)


def _close_pool(session: Session, pool: IpPool, reseller: ResellerRef, actor: str) -> None:
    for assignment in assignments_of(session, pool.id):
        unassign_pool(session, reseller, assignment.account_id, actor=actor)
    delete_pool(session, pool, actor=actor)


def _pool_of(session: Session, order: IpOrder, reseller: ResellerRef, actor: str) -> IpPool:
    """That of whoever rents; what its addresses can't send (yet) goes by the default pool."""
    name = f"rented-{order.reseller_id}-{order.account_id}"
    found = session.scalar(select(IpPool).where(IpPool.name == name))
    if found is not None:
        return found
    return create_pool(session, name, actor=actor, reseller=reseller, fallback=_default_pool(session))


def _default_pool(session: Session) -> IpPool | None:
    return session.scalar(select(IpPool).where(IpPool.is_default))


def _sender(order: IpOrder, reseller: ResellerRef) -> AccountId | None:
    """Who sends from it. A reseller rents for everybody that it has."""
    with tenant_session(reseller) as rows:
        return None if order.account_id == main_account(rows).id else order.account_id
