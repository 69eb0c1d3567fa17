"""Dedicated IPs by the month: begun, renewed, owed, cancelled, given back, and never more than the plan allows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from billing.dunning.debts import debt_of
from billing.dunning.services import press
from billing.dunning.steps import Step
from billing.invoices.document import LineKind
from billing.invoices.monthly.services import bill_sub_accounts
from billing.invoices.profiles.services import set_profile, set_terms
from billing.money import Money
from billing.payments.models import IpOrder
from billing.payments.states import OrderState
from billing.rentals.jobs import renew_rentals, renew_rentals_of
from billing.rentals.models import IpRental
from billing.rentals.queries import rentals_of
from billing.rentals.renewals import pay_rentals, renew_rental
from billing.rentals.services import (
    begin_rental,
    cancel_rental,
    keep_rental,
    reduce_rental,
    regain_rental,
)
from billing.rentals.states import TRANSITIONS, RentalEvent, RentalStatus, after
from billing.wallet.queries import wallet_lines, wallet_of
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import LimitReached, NotFound
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account, State
from tests.billing.invoices.papers import GRAZ, TERMS, VIENNA

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Tenancy:
    """A customer with a wallet, and what it rents."""

    reseller: ResellerRef
    session: Session
    customer: Account
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(START))

    def rent(self, addresses: int = 2, price: int = 8000) -> UUID:
        rental_id = uuid4()
        begin_rental(self.session, self.customer, rental_id, addresses, Money(price, "EUR"), clock=self.clock)
        return rental_id

    def fill(self, amount: int) -> None:
        credit_wallet(
            self.session,
            self.customer,
            Money(amount, "EUR"),
            reason=WalletReason.PAID_IN,
            reference=uuid4().hex,
            clock=self.clock,
        )

    def renew(self, rental_id: UUID) -> RentalStatus:
        return renew_rental(self.session, rental_id, clock=self.clock)

    def wait_until(self, *day: int) -> None:
        self.clock.advance(datetime(*day, tzinfo=UTC) - self.clock.now())  # type: ignore[misc,arg-type]

    @property
    def balance(self) -> int:
        money = wallet_of(self.session, self.customer).balance
        return money.amount if money else 0

    @property
    def addresses(self) -> list[int]:
        return [one.addresses for one in rentals_of(self.session, self.customer.id)]

    def orders(self) -> list[tuple[str, int]]:
        """What staff see, after the job."""
        self.session.commit()
        renew_rentals_of(self.reseller, self.clock)
        db.session.rollback()
        mine = db.session.query(IpOrder).filter_by(reseller_id=self.reseller.id).order_by(IpOrder.id)
        return [(order.state, order.addresses) for order in mine]


@pytest.fixture
def tenancy(app: Flask, reseller: ResellerRef) -> Iterator[Tenancy]:
    with tenant_session(reseller) as session:
        customer = create_sub_account(session, NewAccount("Contoso Shop"))
        session.commit()
        yield Tenancy(reseller, session, customer)


def test_the_month_begins_at_once_and_ends_as_that_of_a_plan_does(tenancy: Tenancy) -> None:
    tenancy.rent(addresses=2)
    (found,) = rentals_of(tenancy.session, tenancy.customer.id)
    assert (found.period_start, found.period_end) == (START, datetime(2026, 2, 28, tzinfo=UTC))
    assert (found.addresses, found.status, found.paid, found.ends_at) == (2, "active", True, None)


def test_each_month_is_charged_once_to_the_wallet(tenancy: Tenancy) -> None:
    rental = tenancy.rent(price=8000)
    tenancy.fill(20_000)
    tenancy.wait_until(2026, 4, 1)
    for _ in range(3):
        assert tenancy.renew(rental) is RentalStatus.ACTIVE
    (found,) = rentals_of(tenancy.session, tenancy.customer.id)
    assert (tenancy.balance, found.period_end) == (4000, datetime(2026, 4, 30, tzinfo=UTC))
    charges = wallet_lines(tenancy.session, tenancy.customer)[:2]
    assert [(line.amount.amount, line.note) for line in charges] == [(-8000, "2 dedicated IPs")] * 2


def test_one_month_may_be_owed_and_the_next_is_not_given_on_credit(tenancy: Tenancy) -> None:
    rental = tenancy.rent()
    tenancy.wait_until(2026, 3, 1)
    assert tenancy.renew(rental) is RentalStatus.PAST_DUE
    assert tenancy.addresses == [2]
    tenancy.wait_until(2026, 4, 1)
    assert tenancy.renew(rental) is RentalStatus.ENDED
    assert tenancy.addresses == []


def test_money_that_comes_in_time_pays_what_is_owed(tenancy: Tenancy) -> None:
    rental = tenancy.rent()
    tenancy.wait_until(2026, 3, 1)
    tenancy.renew(rental)
    tenancy.fill(8000)
    pay_rentals(tenancy.session, tenancy.customer, clock=tenancy.clock)
    (found,) = rentals_of(tenancy.session, tenancy.customer.id)
    assert (found.status, found.paid, tenancy.balance) == (RentalStatus.ACTIVE, True, 0)


def test_what_is_cancelled_stays_to_the_end_of_its_month_and_a_cancel_can_be_taken_back(
    tenancy: Tenancy,
) -> None:
    tenancy.fill(8000)
    rental = tenancy.rent()
    assert cancel_rental(tenancy.session, tenancy.customer, rental) == datetime(2026, 2, 28, tzinfo=UTC)
    keep_rental(tenancy.session, tenancy.customer, rental)
    cancel_rental(tenancy.session, tenancy.customer, rental)
    assert tenancy.renew(rental) is RentalStatus.ACTIVE
    tenancy.wait_until(2026, 2, 28)
    assert tenancy.renew(rental) is RentalStatus.ENDED
    assert tenancy.balance == 8000


def test_nobody_cancels_what_another_account_rents(tenancy: Tenancy) -> None:
    rental = tenancy.rent()
    other = create_sub_account(tenancy.session, NewAccount("Other"))
    for verb in (cancel_rental, keep_rental):
        with pytest.raises(NotFound):
            verb(tenancy.session, other, rental)


def test_the_plans_limit_counts_all_that_are_rented_and_no_others(tenancy: Tenancy) -> None:
    tenancy.customer.most_dedicated_ips = 3
    first = tenancy.rent(addresses=2)
    with pytest.raises(LimitReached, match="3 dedicated IPs"):
        tenancy.rent(addresses=2)
    tenancy.rent(addresses=1)
    reduce_rental(tenancy.session, first, 2, clock=tenancy.clock)
    tenancy.rent(addresses=2)
    assert sorted(tenancy.addresses) == [1, 2]


def test_a_part_of_the_money_takes_its_part_of_the_addresses(tenancy: Tenancy) -> None:
    rental = tenancy.rent(addresses=3, price=9000)
    assert reduce_rental(tenancy.session, rental, 1, clock=tenancy.clock) == 1
    row = tenancy.session.get_one(IpRental, rental)
    assert (row.addresses, row.price, row.status) == (2, 6000, "active")
    regain_rental(tenancy.session, rental, 1, clock=tenancy.clock)
    assert (row.addresses, row.price) == (3, 9000)
    assert reduce_rental(tenancy.session, rental, 3, clock=tenancy.clock) == 3
    assert (row.status, reduce_rental(tenancy.session, rental, 1, clock=tenancy.clock)) == ("ended", 0)
    regain_rental(tenancy.session, rental, 3, clock=tenancy.clock)
    assert (row.status, row.addresses) == ("active", 3)


def test_what_is_past_due_goes_the_way_of_dunning_and_the_account_sends_on(tenancy: Tenancy) -> None:
    rental = tenancy.rent()
    tenancy.wait_until(2026, 3, 1)
    tenancy.renew(rental)
    debt = debt_of(tenancy.session, tenancy.customer, now=tenancy.clock.now())
    assert debt and [(item.what, item.money.amount) for item in debt.items] == [("2 dedicated IPs", 8000)]
    steps = []
    for day in (2, 8, 15):
        tenancy.wait_until(2026, 3, day)
        steps.append(press(tenancy.session, tenancy.customer, clock=tenancy.clock))
    assert steps == list(Step)
    assert (tenancy.addresses, tenancy.customer.state) == ([], State.ACTIVE)
    assert debt_of(tenancy.session, tenancy.customer, now=tenancy.clock.now()) is None


def test_an_order_follows_its_rental(tenancy: Tenancy) -> None:
    rental = tenancy.rent(addresses=3)
    assert tenancy.orders() == [(OrderState.ORDERED, 3)]
    reduce_rental(tenancy.session, rental, 1, clock=tenancy.clock)
    assert tenancy.orders() == [(OrderState.ORDERED, 2)]
    reduce_rental(tenancy.session, rental, 2, clock=tenancy.clock)
    assert tenancy.orders() == [(OrderState.CANCELLED, 2)]
    regain_rental(tenancy.session, rental, 2, clock=tenancy.clock)
    assert tenancy.orders() == [(OrderState.ORDERED, 2)]


def test_the_job_renews_what_is_due_at_every_account(tenancy: Tenancy) -> None:
    tenancy.rent()
    tenancy.wait_until(2026, 3, 1)
    assert tenancy.orders() == [(OrderState.ORDERED, 2)]
    tenancy.session.rollback()
    assert [one.status for one in rentals_of(tenancy.session, tenancy.customer.id)] == ["past_due"]
    tenancy.wait_until(2026, 4, 1)
    assert tenancy.orders() == [(OrderState.CANCELLED, 2)]


def test_what_a_month_costs_has_its_line_on_the_invoice(tenancy: Tenancy) -> None:
    main = main_account(tenancy.session)
    set_profile(tenancy.session, main, VIENNA)
    set_terms(tenancy.session, TERMS)
    set_profile(tenancy.session, tenancy.customer, GRAZ)
    tenancy.fill(10_000)
    rental = tenancy.rent(price=8000)
    tenancy.wait_until(2026, 2, 28)
    tenancy.renew(rental)
    tenancy.session.commit()
    tenancy.wait_until(2026, 3, 2)
    (issued,) = bill_sub_accounts(tenancy.reseller, clock=tenancy.clock)
    (line,) = issued.document.lines
    assert (line.kind, line.detail, line.net) == (LineKind.ADDRESSES, "2 dedicated IPs", 8000)
    assert (issued.document.tax, issued.document.paid, issued.document.due) == (1600, 9600, 0)


def test_the_job_finds_the_resellers_that_have_rentals(tenancy: Tenancy) -> None:
    tenancy.rent()
    tenancy.session.commit()
    renew_rentals()
    tenancy.session.rollback()
    assert rentals_of(tenancy.session, tenancy.customer.id) == []  # unpaid, and that was long ago


@pytest.mark.parametrize("status", list(RentalStatus))
@pytest.mark.parametrize("event", list(RentalEvent))
def test_every_event_leads_where_the_table_says_and_otherwise_nowhere(
    status: RentalStatus, event: RentalEvent
) -> None:
    assert after(status, event) is TRANSITIONS.get((status, event), status)
