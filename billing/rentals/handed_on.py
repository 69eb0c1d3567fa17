"""What a customer's dedicated IPs cost its reseller at the platform: a rental of the main account beside the customer's.

It has the customer's months, and ends with it. Where the reseller does not pay, the customer's ends with its own. Whoever
changes both locks the customer's first.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.money import Money
from billing.payments.price_list import PriceLine, line_for, price_lines
from billing.payments.purchases import Good
from billing.rentals.books import befall, charged, enlarge, locked, reduce
from billing.rentals.models import IpRental
from billing.rentals.states import RUNNING, RentalEvent, RentalStatus
from platform_core.clock import Clock
from platform_core.database import ResellerRef
from platform_core.errors import NotForSale
from platform_core.ids import AccountId
from platform_core.settings import settings
from tenants.accounts.queries import main_account
from tenants.models import Account


def cost_lines(session: Session) -> tuple[PriceLine, ...]:
    """What the platform asks of this reseller for each address a month, by their number; empty: nothing."""
    reseller: ResellerRef = session.info["reseller"]
    return price_lines(reseller, Good.HANDED_ON_IP, settings().billing_currency)


def cost_of_month(session: Session, addresses: int) -> Money | None:
    """Of so many that are handed on at once, before VAT; None where they cost nothing."""
    try:
        return line_for(cost_lines(session), addresses).of(addresses)
    except NotForSale:
        return None


def require_cost_paid(session: Session) -> None:
    """A reseller that owes for what it has handed on hands nothing more on. Raises NotForSale."""
    owed = select(IpRental.id).where(
        IpRental.for_rental.is_not(None), IpRental.status == RentalStatus.PAST_DUE
    )
    if session.scalar(owed.limit(1)) is not None:
        # Not why: that is the reseller's affair.
        raise NotForSale("Dedicated IPs are not available at the moment; please ask your provider.")


def begin_cost(session: Session, customers: IpRental, clock: Clock) -> None:
    """The customer's rental has begun: charge the reseller's first month; where its wallet can't pay, it is owed.

    The price of this day holds for as long as the rental goes on.
    """
    price = cost_of_month(session, customers.addresses)
    if price is None:
        return
    main = main_account(session)
    row = IpRental(
        id=uuid4(),
        account_id=main.id,
        for_rental=customers.id,
        addresses=customers.addresses,
        price=price.amount,
        currency=price.currency,
        status=RentalStatus.ACTIVE,
        status_since=clock.now(),
        cancelled=False,
        anchor_on=customers.anchor_on,
        periods=customers.periods,
        period_start=customers.period_start,
        period_end=customers.period_end,
        paid=False,
    )
    session.add(row)
    _charge(session, main, row, clock)


def cost_of(session: Session, customers: IpRental) -> IpRental | None:
    """The reseller's side of a customer's rental, locked; None where it costs nothing."""
    query = select(IpRental).where(IpRental.for_rental == customers.id)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def turn_cost(session: Session, cost: IpRental, customers: IpRental, clock: Clock) -> None:
    """The customer's next month has begun: the reseller's is the same one."""
    cost.periods = customers.periods
    cost.period_start, cost.period_end = customers.period_start, customers.period_end
    cost.paid = False
    _charge(session, session.get_one(Account, cost.account_id), cost, clock)


def end_cost(session: Session, customers: IpRental, at: datetime) -> None:
    """The customer's rental is over: nothing more is charged."""
    cost = cost_of(session, customers)
    if cost is not None:
        befall(cost, RentalEvent.OVER, at)


def reduce_cost(session: Session, customers: IpRental, addresses: int) -> None:
    """The customer has so many fewer, from the next month on for the reseller: the present one is not paid back."""
    cost = cost_of(session, customers)
    if cost is not None and cost.status in RUNNING:
        reduce(cost, addresses)


def regain_cost(session: Session, customers: IpRental, addresses: int, at: datetime) -> None:
    """The customer has so many again; what the reseller owed for them it owes again."""
    cost = cost_of(session, customers)
    if cost is None:
        return
    if cost.status in RUNNING:
        enlarge(cost, addresses)
        return
    befall(cost, RentalEvent.REGAINED, at)
    if not cost.paid:
        befall(cost, RentalEvent.UNPAID, at)


def end_unpaid_costs(session: Session, *, clock: Clock) -> Sequence[AccountId]:
    """The reseller has not paid: what it had handed on goes back; gives the customers that lose it."""
    owed = select(IpRental.for_rental).where(
        IpRental.for_rental.is_not(None), IpRental.status == RentalStatus.PAST_DUE
    )
    ended = [_end_unpaid(session, rental_id, clock) for rental_id in session.scalars(owed) if rental_id]
    session.flush()
    return [account_id for account_id in ended if account_id is not None]


def _end_unpaid(session: Session, rental_id: UUID, clock: Clock) -> AccountId | None:
    customers = locked(session, rental_id)
    cost = cost_of(session, customers) if customers else None
    if customers is None or cost is None or cost.status != RentalStatus.PAST_DUE:
        return None  # it has been paid meanwhile
    befall(cost, RentalEvent.OVER, clock.now())
    befall(customers, RentalEvent.OVER, clock.now())
    return customers.account_id


def _charge(session: Session, main: Account, row: IpRental, clock: Clock) -> None:
    session.flush()
    row.paid = charged(session, main, row, clock)
    if not row.paid:
        befall(row, RentalEvent.UNPAID, row.period_start)
