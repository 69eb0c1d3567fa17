"""Verbs on rentals of dedicated IPs, inside a reseller's session; the caller commits.

What staff do with the addresses themselves follows; see `billing.payments.orders`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.money import Money
from billing.plans.periods import first_period, local_date
from billing.rentals.books import befall, enlarge, locked, reduce
from billing.rentals.handed_on import begin_cost, end_cost, end_unpaid_costs, reduce_cost, regain_cost
from billing.rentals.models import IpRental
from billing.rentals.queries import rented_count
from billing.rentals.states import RUNNING, RentalEvent, RentalStatus
from platform_core.clock import Clock
from platform_core.errors import NotFound
from platform_core.ids import AccountId
from tenants.accounts.limits import Limit, require_room
from tenants.models import Account


def require_ip_room(session: Session, account: Account, addresses: int) -> None:
    """Make sure that the account's plan allows so many more. Raises LimitReached; locks as `require_room`."""
    require_room(session, account.id, Limit.DEDICATED_IPS, count=rented_count(account.id), more=addresses)


def begin_rental(
    session: Session, account: Account, rental_id: UUID, addresses: int, price: Money, *, clock: Clock
) -> None:
    """The first month is paid: it begins now. `price`: of all addresses for a month. Raises LimitReached.

    Of a customer's the reseller is charged what the platform asks, or owes it.
    """
    require_ip_room(session, account, addresses)
    now = clock.now()
    period = first_period(now, account.time_zone)
    row = IpRental(
        id=rental_id,
        account_id=account.id,
        addresses=addresses,
        price=price.amount,
        currency=price.currency,
        status=RentalStatus.ACTIVE,
        status_since=now,
        cancelled=False,
        paid=True,
        anchor_on=local_date(now, account.time_zone),
        periods=0,
        period_start=period.start,
        period_end=period.end,
    )
    session.add(row)
    session.flush()
    if not account.is_main:
        begin_cost(session, row, clock)
        session.flush()


def cancel_rental(session: Session, account: Account, rental_id: UUID) -> datetime:
    """Let nothing follow the present period; gives its end, at which the addresses go back. Raises NotFound."""
    row = running(session, account, rental_id)
    row.cancelled = True
    session.flush()
    return row.period_end


def keep_rental(session: Session, account: Account, rental_id: UUID) -> None:
    """Take a cancel back. Raises NotFound."""
    running(session, account, rental_id).cancelled = False
    session.flush()


def reduce_rental(session: Session, rental_id: UUID, addresses: int, *, clock: Clock) -> int:
    """The money for so many of the addresses has gone back; says how many of them it still had."""
    row = locked(session, rental_id)
    if row is None or row.status not in RUNNING:
        return 0
    fewer = min(addresses, row.addresses)
    if fewer == row.addresses:
        befall(row, RentalEvent.OVER, clock.now())
        end_cost(session, row, clock.now())
    else:
        reduce(row, fewer)
        reduce_cost(session, row, fewer)
    session.flush()
    return fewer


def regain_rental(session: Session, rental_id: UUID, addresses: int, *, clock: Clock) -> None:
    """The money for so many addresses, which were taken away for its want, has returned: they are there again."""
    row = locked(session, rental_id)
    if row is None:
        return
    if row.status in RUNNING:
        enlarge(row, addresses)
    befall(row, RentalEvent.REGAINED, clock.now())
    regain_cost(session, row, addresses, clock.now())
    session.flush()


def end_unpaid(session: Session, account: Account, *, clock: Clock) -> Sequence[AccountId]:
    """Dunning has come to its end: what is past due gives its addresses back; says which customers lose theirs by it."""
    query = select(IpRental).where(
        IpRental.account_id == account.id,
        IpRental.status == RentalStatus.PAST_DUE,
        IpRental.for_rental.is_(None),
    )
    for row in session.scalars(query.order_by(IpRental.id).with_for_update()):
        befall(row, RentalEvent.OVER, clock.now())
        end_cost(session, row, clock.now())
    session.flush()
    return end_unpaid_costs(session, clock=clock) if account.is_main else ()


def running(session: Session, account: Account, rental_id: UUID) -> IpRental:
    """A locked rental of the account that runs, and is its own to end. Raises NotFound."""
    row = locked(session, rental_id)
    if row is None or row.account_id != account.id or row.for_rental or row.status not in RUNNING:
        raise NotFound("There are no such dedicated IPs.")
    return row
