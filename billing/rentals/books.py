"""What every change of a rental is made of: the locked row, its state, its words, and the charge for a month."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.plans.books import charge
from billing.rentals.models import IpRental
from billing.rentals.states import RentalEvent, RentalStatus, after
from platform_core.clock import Clock
from platform_core.errors import InsufficientFunds, InvalidInput, NotForSale
from tenants.models import Account

REFERENCE = "ips/"  # how the references of what is charged for rentals begin


def locked(session: Session, rental_id: UUID) -> IpRental | None:
    """The rental as it stands after the lock."""
    return session.get(IpRental, rental_id, with_for_update=True, populate_existing=True)


def befall(row: IpRental, event: RentalEvent, at: datetime) -> None:
    """Be in the state that the event leads to, since then, unless it was before."""
    status = after(RentalStatus(row.status), event)
    if status != row.status:
        row.status, row.status_since = status, at


def reduce(row: IpRental, addresses: int) -> None:
    """So many of its addresses go, with their part of the price; not all of them."""
    row.price -= row.price * addresses // row.addresses
    row.addresses -= addresses


def enlarge(row: IpRental, addresses: int) -> None:
    """So many more, at the same price each."""
    row.price += row.price * addresses // row.addresses
    row.addresses += addresses


def charged(session: Session, account: Account, row: IpRental, clock: Clock) -> bool:
    """Charge the account for the present period, and say whether its wallet could pay."""
    reference = f"{REFERENCE}{row.id}/{row.period_start.isoformat()}"
    try:
        charge(session, account, row.money, reference, note=words_of(session, row), clock=clock)
    except (InsufficientFunds, InvalidInput, NotForSale):
        return False
    return True


def words_of(session: Session, row: IpRental) -> str:
    """What it is, on papers: of what was handed on also to whom."""
    if row.for_rental is None:
        return row.words
    customer = select(Account.name).join(IpRental, IpRental.account_id == Account.id)
    name = session.scalar(customer.where(IpRental.id == row.for_rental))
    return f"{row.words} for {name}"
