"""Reads of rentals, inside a reseller's session."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, Select, cast, func, select
from sqlalchemy.orm import Session, aliased

from billing.money import Money
from billing.rentals.models import IpRental
from billing.rentals.states import RUNNING, RentalStatus
from platform_core.ids import AccountId
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class Rental:
    """Dedicated IPs that an account has by the month. `price`: of all of them, before VAT; `ends_at`: None while it goes on."""

    id: UUID
    account_id: AccountId
    addresses: int
    price: Money
    status: RentalStatus
    period_start: datetime
    period_end: datetime
    paid: bool
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class HandedOn:
    """A customer's dedicated IPs as its reseller pays for them: `rental` is the reseller's side."""

    rental: Rental
    customer: str


def rentals_of(session: Session, account_id: AccountId) -> list[Rental]:
    """Those that run, oldest first; without what a reseller has handed on."""
    query = select(IpRental).where(
        IpRental.account_id == account_id, IpRental.status.in_(RUNNING), IpRental.for_rental.is_(None)
    )
    ordered = query.order_by(IpRental.anchor_on, IpRental.period_start, IpRental.id)
    return [_rental(row) for row in session.scalars(ordered.execution_options(populate_existing=True))]


def rented_count(account_id: AccountId) -> Select[int]:
    """How many addresses an account has, for whoever counts them against its limit."""
    return select(cast(func.coalesce(func.sum(IpRental.addresses), 0), Integer)).where(
        IpRental.account_id == account_id, IpRental.status.in_(RUNNING), IpRental.for_rental.is_(None)
    )


def handed_on(session: Session) -> list[HandedOn]:
    """What customers' addresses cost the reseller, by customer, as far as it runs."""
    customers = aliased(IpRental)
    query = (
        select(IpRental, Account.name, customers.cancelled)
        .join(customers, customers.id == IpRental.for_rental)
        .join(Account, Account.id == customers.account_id)
        .where(IpRental.status.in_(RUNNING))
    )
    ordered = query.order_by(Account.name, IpRental.anchor_on, IpRental.id)
    return [
        HandedOn(replace(_rental(row), ends_at=row.period_end if cancelled else None), name)
        for row, name, cancelled in session.execute(ordered.execution_options(populate_existing=True))
    ]


def due_rentals(session: Session, now: datetime) -> list[UUID]:
    """Rentals whose period is over, or not paid. What was handed on turns with the customer's."""
    over = (IpRental.period_end <= now) & IpRental.for_rental.is_(None)
    query = select(IpRental.id).where(
        IpRental.status.in_(RUNNING), over | (IpRental.status == RentalStatus.PAST_DUE)
    )
    return list(session.scalars(query.order_by(IpRental.account_id, IpRental.period_start, IpRental.id)))


def _rental(row: IpRental) -> Rental:
    return Rental(
        id=row.id,
        account_id=row.account_id,
        addresses=row.addresses,
        price=row.money,
        status=RentalStatus(row.status),
        period_start=row.period_start,
        period_end=row.period_end,
        paid=row.paid,
        ends_at=row.period_end if row.cancelled else None,
    )
