"""What time and money do to rentals: periods that turn, payments that are missing, and their coming in after all."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.plans.books import charge
from billing.plans.periods import end_of_period
from billing.rentals.models import IpRental
from billing.rentals.services import befall, locked
from billing.rentals.states import RUNNING, RentalEvent, RentalStatus
from platform_core.clock import Clock
from platform_core.errors import InsufficientFunds, InvalidInput, NotForSale, NotFound
from tenants.models import Account

REFERENCE = "ips/"  # how the references of what is charged for rentals begin


def renew_rental(session: Session, rental_id: UUID, *, clock: Clock) -> RentalStatus:
    """Bring a rental up to now: begin, and charge the wallet for, each period that has begun. Safe to repeat, at any time.

    As with plans one period may be owed, the next is not given on credit. Raises NotFound.
    """
    row = locked(session, rental_id)
    if row is None:
        raise NotFound("There are no such dedicated IPs.")
    account = session.get_one(Account, row.account_id)
    if row.status == RentalStatus.PAST_DUE:
        _pay(session, account, row, clock)
    while row.status in RUNNING and row.period_end <= clock.now():
        _turn(session, account, row, clock)
    session.flush()
    return RentalStatus(row.status)


def pay_rentals(session: Session, account: Account, *, clock: Clock) -> None:
    """Pay out of the wallet what is past due, as far as it holds enough: for whoever hears that money has come."""
    query = select(IpRental).where(
        IpRental.account_id == account.id, IpRental.status == RentalStatus.PAST_DUE
    )
    for row in session.scalars(query.order_by(IpRental.period_start, IpRental.id).with_for_update()):
        _pay(session, account, row, clock)
    session.flush()


def _turn(session: Session, account: Account, row: IpRental, clock: Clock) -> None:
    """The period is over: begin what follows, as far as it is paid or may be owed."""
    start = row.period_end
    if row.cancelled:
        befall(row, RentalEvent.OVER, start)
        return
    if row.status == RentalStatus.PAST_DUE:
        befall(row, RentalEvent.UNPAID, start)
        return
    row.period_start, row.period_end, row.periods = start, *_next_end(account, row)
    row.paid = _charged(session, account, row, clock)
    befall(row, RentalEvent.PAID if row.paid else RentalEvent.UNPAID, start)


def _next_end(account: Account, row: IpRental) -> tuple[datetime, int]:
    """The end of the period that begins where this one ends, and its number."""
    number = row.periods + 1
    # An account that has moved to another time zone may find that this end has passed.
    while (end := end_of_period(row.anchor_on, number, account.time_zone)) <= row.period_end:
        number += 1
    return end, number


def _pay(session: Session, account: Account, row: IpRental, clock: Clock) -> None:
    row.paid = row.paid or _charged(session, account, row, clock)
    if row.paid:
        befall(row, RentalEvent.PAID, clock.now())


def _charged(session: Session, account: Account, row: IpRental, clock: Clock) -> bool:
    """Charge for the present period, and say whether the wallet could pay."""
    reference = f"{REFERENCE}{row.id}/{row.period_start.isoformat()}"
    try:
        charge(session, account, row.money, reference, note=row.words, clock=clock)
    except (InsufficientFunds, InvalidInput, NotForSale):
        return False
    return True
