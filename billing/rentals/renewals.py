"""What time and money do to rentals: periods that turn, payments that are missing, and their coming in after all."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.plans.periods import end_of_period
from billing.rentals.books import befall, charged, locked
from billing.rentals.handed_on import cost_of, turn_cost
from billing.rentals.models import IpRental
from billing.rentals.states import RUNNING, RentalEvent, RentalStatus
from platform_core.clock import Clock
from platform_core.errors import NotFound
from tenants.models import Account


def renew_rental(session: Session, rental_id: UUID, *, clock: Clock) -> RentalStatus:
    """Bring a rental up to now: begin, and charge the wallet for, each period that has begun. Safe to repeat, at any time.

    As with plans one period may be owed, the next is not given on credit: not to the reseller either, for what it hands on,
    whose months turn with those of the customer. Raises NotFound.
    """
    row = locked(session, rental_id)
    if row is None:
        raise NotFound("There are no such dedicated IPs.")
    account = session.get_one(Account, row.account_id)
    if row.status == RentalStatus.PAST_DUE:
        _pay(session, account, row, clock)
    while row.for_rental is None and row.status in RUNNING and row.period_end <= clock.now():
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
    start, cost = row.period_end, cost_of(session, row)
    if event := _end_of(row, cost):
        befall(row, event, start)
        if cost is not None:
            befall(cost, RentalEvent.OVER, start)
        return
    row.period_start, row.period_end, row.periods = start, *_next_end(account, row)
    row.paid = charged(session, account, row, clock)
    befall(row, RentalEvent.PAID if row.paid else RentalEvent.UNPAID, start)
    if cost is not None:
        turn_cost(session, cost, row, clock)


def _end_of(row: IpRental, cost: IpRental | None) -> RentalEvent | None:
    """What ends it with its period; None: it goes on."""
    if row.cancelled:
        return RentalEvent.OVER
    if row.status == RentalStatus.PAST_DUE:
        return RentalEvent.UNPAID
    # The reseller owes for the month that is over: it gets no second one on credit, and so its customer gets none.
    return RentalEvent.OVER if cost is not None and cost.status == RentalStatus.PAST_DUE else None


def _next_end(account: Account, row: IpRental) -> tuple[datetime, int]:
    """The end of the period that begins where this one ends, and its number."""
    number = row.periods + 1
    # An account that has moved to another time zone may find that this end has passed.
    while (end := end_of_period(row.anchor_on, number, account.time_zone)) <= row.period_end:
        number += 1
    return end, number


def _pay(session: Session, account: Account, row: IpRental, clock: Clock) -> None:
    row.paid = row.paid or charged(session, account, row, clock)
    if row.paid:
        befall(row, RentalEvent.PAID, clock.now())
