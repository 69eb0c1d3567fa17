"""Orders of dedicated IPs, on the platform's session: made when they are paid, cancelled when the money goes back."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.payments.models import IpOrder, Payment
from billing.payments.purchases import Good
from billing.payments.states import OrderState
from platform_core.clock import Clock
from platform_core.database import ResellerRef
from platform_core.errors import NotFound


def keep_ip_order(session: Session, reseller: ResellerRef, payment: Payment, *, clock: Clock) -> None:
    """Let the order be what its payment says. Doing it again changes nothing; the caller commits."""
    if payment.good != Good.DEDICATED_IP or not payment.delivered:
        return
    new = insert(IpOrder).values(
        reseller_id=reseller.id,
        account_id=payment.account_id,
        payment_id=payment.id,
        addresses=payment.units,
        ordered_at=clock.now(),
    )
    session.execute(new.on_conflict_do_nothing())
    if payment.taken_back == payment.delivered:
        _close(_order(session, reseller, payment), OrderState.CANCELLED, clock)


def ip_orders(session: Session) -> list[IpOrder]:
    """Those that wait for an address, oldest first."""
    query = select(IpOrder).where(IpOrder.state == OrderState.ORDERED)
    return list(session.scalars(query.order_by(IpOrder.ordered_at, IpOrder.id)))


def fulfil_ip_order(session: Session, order_id: int, *, clock: Clock) -> None:
    """The addresses are assigned. Raises NotFound; the caller commits."""
    order = session.get(IpOrder, order_id, with_for_update=True)
    if order is None:
        raise NotFound("There is no such order.")
    _close(order, OrderState.FULFILLED, clock)


def _order(session: Session, reseller: ResellerRef, payment: Payment) -> IpOrder:
    query = select(IpOrder).where(IpOrder.reseller_id == reseller.id, IpOrder.payment_id == payment.id)
    return session.scalars(query).one()


def _close(order: IpOrder, state: OrderState, clock: Clock) -> None:
    """An order that is closed stays as it is: an address in use is taken away by people, not by an event."""
    if order.state == OrderState.ORDERED:
        order.state = state
        order.closed_at = clock.now()
