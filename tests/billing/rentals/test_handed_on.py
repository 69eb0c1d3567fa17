"""What customers' dedicated IPs cost their reseller at the platform: charged, owed, ended and earned upon."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.dunning.debts import debt_of
from billing.dunning.models import BillingNotice
from billing.dunning.notices import NoticeKind
from billing.dunning.services import press
from billing.invoices.document import LineKind
from billing.invoices.monthly.services import bill_reseller
from billing.invoices.profiles.services import set_platforms_profile, set_profile, set_terms
from billing.money import Money
from billing.payments.models import IpOrder
from billing.payments.states import OrderState
from billing.rentals.handed_on import cost_of_month, require_cost_paid
from billing.rentals.jobs import renew_rentals_of
from billing.rentals.margins import IpMargin, ip_margins
from billing.rentals.queries import HandedOn, handed_on, rentals_of
from billing.rentals.renewals import pay_rentals
from billing.rentals.services import (
    begin_rental,
    cancel_rental,
    end_unpaid,
    reduce_rental,
    regain_rental,
)
from billing.wallet.queries import wallet_lines, wallet_of
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import NotForSale, NotFound
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account, State
from tests.billing.invoices.papers import GRAZ, TERMS, VIENNA
from tests.billing.rentals.asking import ask_for_handing_on

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Lease:
    """A customer that rents at 40.00 EUR for each address, and its reseller, which pays 30.00 for each."""

    reseller: ResellerRef
    session: Session
    main: Account
    customer: Account
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(START))

    def rent(self, addresses: int = 1) -> UUID:
        rental_id, price = uuid4(), Money(4000 * addresses, "EUR")
        begin_rental(self.session, self.customer, rental_id, addresses, price, clock=self.clock)
        return rental_id

    def fill(self, account: Account, amount: int) -> None:
        money, reference = Money(amount, "EUR"), uuid4().hex
        credit_wallet(
            self.session,
            account,
            money,
            reason=WalletReason.PAID_IN,
            reference=reference,
            clock=self.clock,
        )

    def go_to(self, month: int, day: int) -> None:
        """With what the job does then."""
        self.clock.advance(datetime(2026, month, day, 12, tzinfo=UTC) - self.clock.now())
        self.session.commit()
        renew_rentals_of(self.reseller, self.clock)
        self.session.expire_all()

    def balance(self, account: Account) -> int:
        money = wallet_of(self.session, account).balance
        return money.amount if money else 0

    @property
    def cost(self) -> HandedOn:
        (found,) = handed_on(self.session)
        return found

    @property
    def customers(self) -> list[tuple[int, str]]:
        """What the customer has."""
        return [(one.addresses, one.status) for one in rentals_of(self.session, self.customer.id)]


@pytest.fixture
def lease(app: Flask, reseller: ResellerRef) -> Iterator[Lease]:
    ask_for_handing_on(reseller)
    with tenant_session(reseller) as session:
        customer = create_sub_account(session, NewAccount("Contoso Shop"))
        session.commit()
        yield Lease(reseller, session, main_account(session), customer)


def test_each_month_of_a_customers_costs_its_reseller_the_platforms_price(lease: Lease) -> None:
    lease.fill(lease.main, 20_000)
    lease.fill(lease.customer, 20_000)
    lease.rent(addresses=2)
    assert (lease.balance(lease.main), lease.balance(lease.customer)) == (14_000, 20_000)
    for _ in range(2):
        lease.go_to(3, 1)
        assert (lease.balance(lease.main), lease.balance(lease.customer)) == (8000, 12_000)
    lines = wallet_lines(lease.session, lease.main)[:2]
    words = "2 dedicated IPs for Contoso Shop"
    assert [(line.amount.amount, line.note) for line in lines] == [(-6000, words)] * 2


def test_without_a_price_of_the_platform_it_costs_nothing(app: Flask, reseller: ResellerRef) -> None:
    with tenant_session(reseller) as session:
        customer = create_sub_account(session, NewAccount("Contoso Shop"))
        lease = Lease(reseller, session, main_account(session), customer)
        lease.fill(lease.main, 10_000)
        lease.rent()
        assert (cost_of_month(session, 1), handed_on(session)) == (None, [])
        assert lease.balance(lease.main) == 10_000


def test_what_a_reseller_rents_itself_costs_no_second_price(lease: Lease) -> None:
    lease.fill(lease.main, 10_000)
    begin_rental(lease.session, lease.main, uuid4(), 1, Money(4000, "EUR"), clock=lease.clock)
    assert (handed_on(lease.session), lease.balance(lease.main)) == ([], 10_000)


def test_the_cost_is_none_of_the_resellers_own_addresses_and_no_order(lease: Lease) -> None:
    lease.main.most_dedicated_ips = 0
    lease.rent(addresses=2)
    lease.go_to(2, 1)
    db.session.rollback()
    orders = db.session.query(IpOrder).filter_by(reseller_id=lease.reseller.id).all()
    assert [(order.account_id, order.addresses) for order in orders] == [(lease.customer.id, 2)]
    assert rentals_of(lease.session, lease.main.id) == []
    with pytest.raises(NotFound):
        cancel_rental(lease.session, lease.main, lease.cost.rental.id)


def test_the_months_are_the_customers_wherever_the_reseller_is(lease: Lease) -> None:
    lease.main.time_zone, lease.customer.time_zone = "Pacific/Auckland", "America/Los_Angeles"
    lease.fill(lease.main, 20_000)
    lease.fill(lease.customer, 20_000)
    lease.rent()
    for month, paid in ((2, 3000), (3, 6000)):
        lease.go_to(month, 28)
        (customers,) = rentals_of(lease.session, lease.customer.id)
        costs = lease.cost.rental
        assert (costs.period_start, costs.period_end) == (customers.period_start, customers.period_end)
        lease.go_to(month + 1, 1)
        assert lease.balance(lease.main) == 20_000 - paid - 3000


def test_what_the_customer_gives_back_costs_no_further_month(lease: Lease) -> None:
    lease.fill(lease.main, 10_000)
    rental = lease.rent()
    cancel_rental(lease.session, lease.customer, rental)
    assert lease.cost.rental.ends_at == datetime(2026, 2, 28, tzinfo=UTC)
    lease.go_to(3, 1)
    assert (handed_on(lease.session), lease.customers, lease.balance(lease.main)) == ([], [], 7000)


def test_a_customer_that_does_not_pay_costs_the_reseller_its_month_of_grace_and_no_more(
    lease: Lease,
) -> None:
    lease.fill(lease.main, 20_000)
    lease.rent()
    lease.go_to(3, 1)
    assert (lease.customers, lease.balance(lease.main)) == ([(1, "past_due")], 14_000)
    end_unpaid(lease.session, lease.customer, clock=lease.clock)
    lease.go_to(4, 1)
    assert (handed_on(lease.session), lease.balance(lease.main)) == ([], 14_000)


def test_a_part_that_is_refunded_costs_less_from_the_next_month_on_and_what_comes_again_costs_again(
    lease: Lease,
) -> None:
    lease.fill(lease.main, 30_000)
    lease.fill(lease.customer, 30_000)
    rental = lease.rent(addresses=3)
    reduce_rental(lease.session, rental, 1, clock=lease.clock)
    assert (lease.cost.rental.addresses, lease.cost.rental.price.amount) == (2, 6000)
    assert lease.balance(lease.main) == 21_000
    regain_rental(lease.session, rental, 1, clock=lease.clock)
    assert lease.cost.rental.price.amount == 9000
    reduce_rental(lease.session, rental, 3, clock=lease.clock)
    assert handed_on(lease.session) == []
    regain_rental(lease.session, rental, 3, clock=lease.clock)
    lease.go_to(3, 1)
    assert lease.balance(lease.main) == 12_000


def test_a_first_month_that_the_wallet_does_not_hold_is_owed_and_paid_by_the_next_money(
    lease: Lease,
) -> None:
    lease.rent()
    debt = debt_of(lease.session, lease.main, now=lease.clock.now())
    assert debt
    assert [(item.what, item.money.amount) for item in debt.items] == [
        ("Dedicated IP for Contoso Shop", 3000)
    ]
    assert (lease.customers, lease.cost.rental.status) == ([(1, "active")], "past_due")
    lease.fill(lease.main, 3000)
    pay_rentals(lease.session, lease.main, clock=lease.clock)
    assert (lease.cost.rental.status, lease.balance(lease.main)) == ("active", 0)
    assert debt_of(lease.session, lease.main, now=lease.clock.now()) is None


def test_a_reseller_that_owes_is_dunned_and_then_its_customer_loses_them_and_is_told_so(
    lease: Lease,
) -> None:
    lease.rent()
    for day in (2, 9, 17):
        lease.go_to(2, day)
        assert lease.customers == [(1, "active")]
        press(lease.session, lease.main, clock=lease.clock)
    assert (lease.customers, handed_on(lease.session)) == ([], [])
    assert (lease.main.state, lease.customer.state) == (State.ACTIVE, State.ACTIVE)
    notices = lease.session.execute(select(BillingNotice.account_id, BillingNotice.kind)).all()
    assert (lease.customer.id, NoticeKind.IPS_WITHDRAWN) in notices
    assert (lease.main.id, NoticeKind.IPS_RETURNED) in notices
    lease.go_to(2, 18)
    db.session.rollback()
    (order,) = db.session.query(IpOrder).filter_by(reseller_id=lease.reseller.id)
    assert order.state == OrderState.CANCELLED
    assert debt_of(lease.session, lease.main, now=lease.clock.now()) is None


def test_a_reseller_gets_no_second_month_on_credit_and_its_customer_is_not_charged_for_one(
    lease: Lease,
) -> None:
    lease.fill(lease.customer, 10_000)
    lease.rent()
    lease.go_to(3, 1)
    assert (lease.customers, handed_on(lease.session), lease.balance(lease.customer)) == ([], [], 10_000)


def test_a_reseller_that_owes_has_no_more_to_sell(lease: Lease) -> None:
    require_cost_paid(lease.session)
    lease.rent()
    with pytest.raises(NotForSale, match="ask your provider"):
        require_cost_paid(lease.session)


def test_a_payment_that_returns_brings_back_what_was_owed_too(lease: Lease) -> None:
    rental = lease.rent()
    reduce_rental(lease.session, rental, 1, clock=lease.clock)
    assert debt_of(lease.session, lease.main, now=lease.clock.now()) is None
    regain_rental(lease.session, rental, 1, clock=lease.clock)
    assert (lease.customers, lease.cost.rental.status) == ([(1, "active")], "past_due")


def test_the_platforms_invoice_has_a_line_for_each_month(lease: Lease) -> None:
    set_platforms_profile(db.session(), VIENNA)
    set_terms(db.session(), TERMS)
    db.session.commit()
    set_profile(lease.session, lease.main, GRAZ)
    lease.fill(lease.main, 10_000)
    lease.rent()
    lease.go_to(2, 2)
    (issued,) = bill_reseller(lease.reseller, clock=lease.clock)
    paper = issued.document
    assert [(line.kind, line.detail, line.net) for line in paper.lines] == [
        (LineKind.ADDRESSES, "Dedicated IP for Contoso Shop", 3000)
    ]
    assert (paper.buyer.legal_name, paper.tax, paper.paid, paper.due) == ("Muster KG", 600, 3600, 0)


def test_the_margin_is_what_the_customer_paid_less_what_it_cost_before_vat(lease: Lease) -> None:
    set_profile(lease.session, lease.main, VIENNA)
    set_terms(lease.session, TERMS)
    set_profile(lease.session, lease.customer, GRAZ)
    lease.fill(lease.main, 20_000)
    lease.fill(lease.customer, 20_000)
    lease.rent(addresses=2)
    lease.go_to(3, 1)
    assert lease.balance(lease.customer) == 20_000 - 9600
    march, january = ip_margins(lease.session)
    who = (lease.customer.id, "Contoso Shop")
    # The customer's first month was paid at the checkout, of which this test has nothing.
    assert january == IpMargin(*who, date(2026, 1, 1), Money(0, ""), Money(6000, "EUR"))
    assert march == IpMargin(*who, date(2026, 3, 1), Money(8000, "EUR"), Money(6000, "EUR"))
    assert march.margin == Money(2000, "EUR")


def test_in_different_currencies_there_is_no_margin(lease: Lease) -> None:
    lease.fill(lease.main, 20_000)
    rental, price = uuid4(), Money(4000, "CHF")
    begin_rental(lease.session, lease.customer, rental, 1, price, clock=lease.clock)
    credit_wallet(
        lease.session, lease.customer, price, reason=WalletReason.PAID_IN, reference="x", clock=lease.clock
    )
    lease.go_to(2, 28)
    (line, _first) = ip_margins(lease.session)
    assert (line.price, line.cost, line.margin) == (price, Money(3000, "EUR"), None)
