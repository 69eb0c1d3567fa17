"""What accounts owe: invoices past their day, and periods of plans and dedicated IPs that were begun unpaid."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.invoices.books import books_of_seller_to
from billing.invoices.queries import unpaid_invoices
from billing.invoices.taxes import taxed
from billing.money import Money
from billing.plans.models import Subscription
from billing.plans.states import PlanStatus
from billing.rentals.books import words_of
from billing.rentals.models import IpRental
from billing.rentals.states import RentalStatus
from platform_core.errors import NotForSale
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class DebtItem:
    """One thing to be paid, in the words of a letter."""

    what: str
    money: Money
    due_on: date


@dataclass(frozen=True, slots=True)
class Debt:
    """All that is open. At least one item is there."""

    invoices: tuple[DebtItem, ...]
    plan: DebtItem | None
    rentals: tuple[DebtItem, ...] = ()

    @property
    def items(self) -> tuple[DebtItem, ...]:
        return (*self.invoices, *((self.plan,) if self.plan else ()), *self.rentals)

    @property
    def due_on(self) -> date:
        return min(item.due_on for item in self.items)


def debt_of(session: Session, account: Account, *, now: datetime) -> Debt | None:
    """What the account owes to its seller, a reseller's main account to the platform; None when there is nothing."""
    today = now.astimezone(ZoneInfo(account.time_zone)).date()
    with books_of_seller_to(session, account) as (books, buyer_id):
        overdue = unpaid_invoices(books, due_before=today, buyer_id=buyer_id)
    invoices = tuple(DebtItem(f"Invoice {one.number}", one.open, one.due_date) for one in overdue)
    plan = _unpaid_plan(session, account, now)
    rentals = _unpaid_rentals(session, account, now)
    return Debt(invoices, plan, rentals) if invoices or plan or rentals else None


def _unpaid_plan(session: Session, account: Account, now: datetime) -> DebtItem | None:
    query = select(Subscription).where(
        Subscription.account_id == account.id,
        Subscription.status.in_((PlanStatus.PAST_DUE, PlanStatus.SUSPENDED)),
        ~Subscription.paid,
    )
    row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        return None
    began = row.period_start.astimezone(ZoneInfo(account.time_zone)).date()
    price = Money(row.price, row.currency)
    return DebtItem(f"Plan {row.plan_name}", _with_vat(session, account, price, now), began)


def _unpaid_rentals(session: Session, account: Account, now: datetime) -> tuple[DebtItem, ...]:
    query = select(IpRental).where(
        IpRental.account_id == account.id, IpRental.status == RentalStatus.PAST_DUE, ~IpRental.paid
    )
    ordered = query.order_by(IpRental.period_start, IpRental.id).execution_options(populate_existing=True)
    zone = ZoneInfo(account.time_zone)
    return tuple(
        DebtItem(
            words_of(session, row),
            _with_vat(session, account, row.money, now),
            row.period_start.astimezone(zone).date(),
        )
        for row in session.scalars(ordered)
    )


def _with_vat(session: Session, account: Account, price: Money, now: datetime) -> Money:
    """What it takes to pay for a period. While nobody knows the VAT nothing can be paid, and the price is what is told."""
    try:
        return taxed(session, account, price, now=now).gross
    except NotForSale:
        return price
