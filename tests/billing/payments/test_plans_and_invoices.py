"""Plans and invoices paid at the checkout."""

from datetime import timedelta
from uuid import uuid4

import pytest

from billing.invoices.profiles.services import set_platforms_profile, set_profile, set_terms
from billing.invoices.queries import invoices_in
from billing.invoices.services import Draft, issue_invoice
from billing.money import Money
from billing.payments.purchases import Purchase
from billing.payments.states import PaymentState
from billing.plans.catalogue import NewPlan, create_plan
from billing.plans.queries import PlanState, current_plan
from billing.plans.renewals import renew_due, suspend_plan
from billing.plans.states import PlanStatus
from platform_core.clock import StoppedClock
from platform_core.database import db, tenant_session
from platform_core.errors import NotForSale, NotFound
from tenants.accounts.queries import main_account
from tests.billing.invoices.papers import GRAZ, PLAN, TERMS, VIENNA, draft
from tests.billing.payments.buyers import Buyer, PostOffice


def plan_of(buyer: Buyer) -> PlanState:
    with tenant_session(buyer.reseller) as session:
        found = current_plan(session, buyer.account(session), clock=buyer.till.clock)
    assert found is not None
    return found


@pytest.fixture
def growth(app: object) -> int:
    """A plan of the platform's: 50,000 e-mails for 49.00 EUR."""
    plan = create_plan(db.session(), NewPlan(f"Growth {uuid4().hex[:6]}", Money(4900, "EUR"), 50_000))
    db.session.commit()
    return plan.id


def test_a_plan_that_is_paid_begins_and_is_not_sold_twice(
    agency: Buyer, growth: int, post: PostOffice
) -> None:
    checkout = agency.buy(Purchase.plan(growth))
    post.bring()
    found = plan_of(agency)
    assert (checkout["amount_total"], found.plan_id, found.status) == (4900, growth, PlanStatus.ACTIVE)
    with pytest.raises(NotForSale):
        agency.open(Purchase.plan(growth))


def test_a_plan_that_is_paid_twice_begins_once_and_the_rest_is_shown(
    agency: Buyer, growth: int, post: PostOffice
) -> None:
    checkouts = [agency.open(Purchase.plan(growth)) for _ in range(2)]
    for checkout in checkouts:
        agency.server.desk.pay(checkout, "4242 4242 4242 4242")
    post.bring()
    assert sorted(bool(payment.delivered) for payment in agency.payments()) == [False, True]
    assert all(payment.state == PaymentState.PAID for payment in agency.payments())


def test_a_plan_whose_payment_goes_back_includes_no_more_mail(
    agency: Buyer, growth: int, post: PostOffice
) -> None:
    checkout = agency.buy(Purchase.plan(growth))
    dispute = agency.server.desk.dispute(checkout["payment_intent"])
    post.bring()
    assert plan_of(agency).status is PlanStatus.SUSPENDED
    agency.server.desk.close_dispute(dispute, won=True)
    post.bring()
    assert plan_of(agency).status is PlanStatus.ACTIVE


def test_other_money_does_not_bring_a_plan_back_whose_payment_has_gone_back(
    agency: Buyer, growth: int, post: PostOffice
) -> None:
    checkout = agency.buy(Purchase.plan(growth))
    post.bring()
    agency.server.desk.refund(checkout["payment_intent"], 4900)
    post.bring()
    agency.buy(Purchase.wallet(100))
    post.bring()
    assert plan_of(agency).status is PlanStatus.SUSPENDED


def test_a_month_of_a_plan_that_goes_back_when_it_is_over_is_shown_and_takes_nothing(
    agency: Buyer, growth: int, post: PostOffice, clock: StoppedClock
) -> None:
    """The month after it was not paid, and the plan is suspended."""
    checkout = agency.buy(Purchase.plan(growth))
    post.bring()
    clock.advance(timedelta(days=32))
    with tenant_session(agency.reseller) as session:
        renew_due(session, agency.account(session), clock=clock)
        suspend_plan(session, agency.account(session), clock=clock)
        session.commit()
    agency.server.desk.refund(checkout["payment_intent"], 4900)
    post.bring()
    payment = agency.payment()
    assert (payment.refunded, payment.taken_back, payment.missing) == (4900, 0, 1)
    assert plan_of(agency).next_plan_id == growth


def test_a_plan_that_there_is_not_can_not_be_bought(agency: Buyer) -> None:
    for item in ("0", "x"):
        with pytest.raises(NotFound):
            agency.open(Purchase(Purchase.plan(1).good, 1, item))


def test_a_customer_pays_what_is_open_of_its_resellers_invoice(
    customer: Buyer, agency: Buyer, post: PostOffice
) -> None:
    with tenant_session(customer.reseller) as session:
        account = customer.account(session)
        set_profile(session, main_account(session), VIENNA)
        set_terms(session, TERMS)
        set_profile(session, account, GRAZ)
        issued = issue_invoice(session, draft(account), clock=customer.till.clock)
        session.commit()
    checkout = customer.buy(Purchase.invoice(issued.id))
    post.bring()
    with tenant_session(customer.reseller) as session:
        (listed,) = invoices_in(session)
    assert (checkout["amount_total"], listed.open) == (listed.due.amount, Money(0, "EUR"))
    with pytest.raises(NotForSale):
        customer.open(Purchase.invoice(issued.id))
    with pytest.raises(NotFound):
        agency.open(Purchase.invoice(issued.id + 1000))


def test_a_reseller_pays_what_is_open_of_the_platforms_invoice(agency: Buyer, post: PostOffice) -> None:
    session = db.session()
    set_platforms_profile(session, VIENNA)
    set_terms(session, TERMS)
    paper = Draft(buyer_id=agency.reseller.id, buyer=GRAZ, lines=(PLAN,))
    issued = issue_invoice(session, paper, clock=agency.till.clock)
    session.commit()
    checkout = agency.buy(Purchase.invoice(issued.id))
    post.bring()
    (listed,) = invoices_in(session, buyer_id=agency.reseller.id)
    assert (checkout["amount_total"], listed.open) == (listed.due.amount, Money(0, "EUR"))
    session.rollback()
