"""Reads of rented addresses, on the platform's session."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.payments.models import IpOrder
from billing.payments.states import OrderState
from platform_core.ids import AccountId, ResellerId
from relay_worker.addresses.models import IpAddress
from relay_worker.addresses.rented.models import RentedAddress


def addresses_by_rental(
    session: Session, reseller_id: ResellerId, account_id: AccountId
) -> dict[UUID, list[str]]:
    """The addresses that an account has, by the rental that pays for them. Nobody else's are among them."""
    query = (
        select(IpOrder.payment_id, IpAddress.address)
        .join(RentedAddress, RentedAddress.order_id == IpOrder.id)
        .join(IpAddress, IpAddress.id == RentedAddress.ip_id)
        .where(
            IpOrder.reseller_id == reseller_id,
            IpOrder.account_id == account_id,
            RentedAddress.returned_at.is_(None),
        )
    )
    found: dict[UUID, list[str]] = defaultdict(list)
    for rental_id, address in session.execute(query.order_by(RentedAddress.id)):
        found[rental_id].append(address)
    return dict(found)


def rented_to(session: Session, order_id: int) -> Sequence[RentedAddress]:
    """What an order has now, the newest last."""
    query = select(RentedAddress).where(
        RentedAddress.order_id == order_id, RentedAddress.returned_at.is_(None)
    )
    return session.scalars(query.order_by(RentedAddress.id).with_for_update()).all()


def is_rented(session: Session, ip_id: int) -> bool:
    """Whether an order has this address."""
    query = select(RentedAddress.id).where(RentedAddress.ip_id == ip_id, RentedAddress.returned_at.is_(None))
    return session.scalar(query) is not None


def orders_with_addresses(session: Session) -> Sequence[IpOrder]:
    """Orders that have addresses, whether they still may or not."""
    query = (
        select(IpOrder)
        .join(RentedAddress, RentedAddress.order_id == IpOrder.id)
        .where(RentedAddress.returned_at.is_(None))
        .distinct()
    )
    return session.scalars(query.order_by(IpOrder.id)).all()


def entitled(order: IpOrder) -> int:
    """How many addresses an order may have."""
    return 0 if order.state in (OrderState.CANCELLED, OrderState.ENDED) else order.addresses
