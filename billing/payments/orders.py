"""Orders of dedicated IPs, on the platform's session: they follow the rentals in the resellers' books.

A rental is paid and renewed there; here staff see what waits for an address, and whose addresses go back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.payments.models import IpOrder
from billing.payments.states import OrderState
from billing.rentals.models import IpRental
from billing.rentals.states import RUNNING
from platform_core.clock import Clock
from platform_core.database import ResellerRef
from platform_core.errors import NotFound
from platform_core.ids import AccountId


@dataclass(frozen=True, slots=True)
class Standing:
    """A rental as its order has to know it."""

    rental_id: UUID
    account_id: AccountId
    addresses: int
    runs: bool


def standings(session: Session, rental_id: UUID | None = None) -> list[Standing]:
    """Inside a reseller: that one rental, or all there ever were. What was handed on is the customer's alone."""
    query = select(IpRental).where(IpRental.for_rental.is_(None))
    query = query.order_by(IpRental.period_start, IpRental.id)
    if rental_id is not None:
        query = query.where(IpRental.id == rental_id)
    return [
        Standing(row.id, row.account_id, row.addresses, row.status in RUNNING)
        for row in session.scalars(query.execution_options(populate_existing=True))
    ]


def follow_rentals(
    session: Session, reseller: ResellerRef, rentals: Sequence[Standing], *, clock: Clock
) -> None:
    """Let each order be what its rental is. Doing it again changes nothing; the caller commits."""
    for rental in rentals:
        if rental.runs:
            new = insert(IpOrder).values(
                reseller_id=reseller.id,
                account_id=rental.account_id,
                payment_id=rental.rental_id,
                addresses=rental.addresses,
                ordered_at=clock.now(),
            )
            session.execute(new.on_conflict_do_nothing())
        _follow(session, reseller, rental, clock)
    session.flush()


def ip_orders(session: Session) -> list[IpOrder]:
    """Those that wait for an address, oldest first."""
    query = select(IpOrder).where(IpOrder.state == OrderState.ORDERED)
    return list(session.scalars(query.order_by(IpOrder.ordered_at, IpOrder.id)))


def waiting_order(session: Session, order_id: int) -> IpOrder:
    """An order that waits for addresses, locked. Raises NotFound."""
    order = session.get(IpOrder, order_id, with_for_update=True, populate_existing=True)
    if order is None or order.state != OrderState.ORDERED:
        raise NotFound("There is no such order that waits for addresses.")
    return order


def close_order(order: IpOrder, state: OrderState, clock: Clock) -> None:
    """It is fulfilled, or over."""
    order.state = state
    order.closed_at = clock.now()


def _follow(session: Session, reseller: ResellerRef, rental: Standing, clock: Clock) -> None:
    query = select(IpOrder).where(IpOrder.reseller_id == reseller.id, IpOrder.payment_id == rental.rental_id)
    order = session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if order is None:
        return
    if not rental.runs:
        if order.state == OrderState.ORDERED:
            close_order(order, OrderState.CANCELLED, clock)
        elif order.state == OrderState.FULFILLED:
            close_order(order, OrderState.ENDED, clock)
        return
    if rental.addresses > order.addresses or order.state in (OrderState.CANCELLED, OrderState.ENDED):
        # Money has come back after all: staff find the addresses anew.
        order.state, order.closed_at = OrderState.ORDERED, None
    order.addresses = rental.addresses
