"""Prices are before VAT: what is paid has it on top, by whatever way it is paid, and the invoice comes to the same."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from billing.dunning.debts import debt_of
from billing.invoices.document import Document
from billing.invoices.monthly.services import bill_sub_accounts
from billing.invoices.profiles.services import set_platforms_profile, set_profile, set_terms
from billing.money import Money
from billing.payments.from_wallet import buy_from_wallet
from billing.payments.purchases import Good, Purchase
from billing.payments.top_ups.buying import top_up
from billing.payments.top_ups.services import TopUp, set_top_up
from billing.plans.catalogue import NewPlan, create_plan
from billing.plans.queries import current_plan
from billing.plans.renewals import renew_due
from billing.plans.services import subscribe
from billing.plans.states import PlanStatus
from billing.prices.services import set_price
from billing.wallet.queries import wallet_of
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.clock import StoppedClock
from platform_core.database import db, tenant_session
from platform_core.errors import InsufficientFunds, NotForSale
from tenants.accounts.queries import main_account
from tests.billing.invoices.papers import LYON, TERMS, VIENNA
from tests.billing.payments.buyers import Buyer, PostOffice


def fill(buyer: Buyer, amount: int) -> None:
    with tenant_session(buyer.reseller) as session:
        credit_wallet(
            session,
            buyer.account(session),
            Money(amount, "EUR"),
            reason=WalletReason.PAID_IN,
            reference=uuid4().hex,
            clock=buyer.till.clock,
        )
        session.commit()


def balance(buyer: Buyer) -> int:
    with tenant_session(buyer.reseller) as session:
        money = wallet_of(session, buyer.account(session)).balance
    return money.amount if money else 0


def plan_of(buyer: Buyer, price: int = 1000) -> int:
    with tenant_session(buyer.reseller) as session:
        plan = create_plan(session, NewPlan(f"Plan {uuid4().hex[:6]}", Money(price, "EUR"), 100))
        session.commit()
    return plan.id


def next_invoice(buyer: Buyer) -> Document:
    """That of the month in which everything was bought."""
    later = StoppedClock(buyer.till.clock.now() + timedelta(days=40))
    (issued,) = bill_sub_accounts(buyer.reseller, clock=later)
    return issued.document


def test_the_checkout_asks_for_the_price_and_its_vat_and_the_invoice_says_the_same(
    viennese: Buyer, post: PostOffice
) -> None:
    checkout = viennese.buy(Purchase.credits(3000))
    post.bring()
    payment = viennese.payment()
    assert (checkout["amount_total"], payment.asked, payment.tax) == (1800, 1800, 300)
    assert viennese.credits() == 3000
    paper = next_invoice(viennese)
    assert (paper.net, paper.tax, paper.paid, paper.due) == (1500, 300, 1800, 0)


def test_a_business_abroad_pays_no_vat(viennese: Buyer, post: PostOffice) -> None:
    with tenant_session(viennese.reseller) as session:
        set_profile(session, viennese.account(session), LYON)
        session.commit()
    assert viennese.buy(Purchase.credits(3000))["amount_total"] == 1500
    post.bring()
    assert next_invoice(viennese).tax == 0


def test_a_reseller_pays_vat_to_the_platform(agency: Buyer, post: PostOffice) -> None:
    set_platforms_profile(db.session(), VIENNA)
    set_terms(db.session(), TERMS)
    db.session.commit()
    assert agency.buy(Purchase.dedicated_ips(1))["amount_total"] == 4800
    with tenant_session(agency.reseller) as session:
        set_profile(session, agency.account(session), LYON)
        session.commit()
    assert agency.buy(Purchase.dedicated_ips(1))["amount_total"] == 4000


def test_money_for_the_wallet_bears_no_vat_and_what_is_bought_from_it_does(
    viennese: Buyer, post: PostOffice
) -> None:
    assert viennese.buy(Purchase.wallet(2000))["amount_total"] == 2000
    post.bring()
    with tenant_session(viennese.reseller) as session:
        buy_from_wallet(session, viennese.account(session), Purchase.credits(3000), clock=viennese.till.clock)
        session.commit()
    assert balance(viennese) == 200
    paper = next_invoice(viennese)
    assert (paper.net, paper.tax, paper.due) == (1500, 300, 0)


def test_a_wallet_that_holds_the_price_alone_does_not_hold_enough(viennese: Buyer) -> None:
    fill(viennese, 1799)
    with tenant_session(viennese.reseller) as session, pytest.raises(InsufficientFunds):
        buy_from_wallet(session, viennese.account(session), Purchase.credits(3000), clock=viennese.till.clock)


def test_an_automatic_top_up_charges_the_vat_and_minds_it_under_the_ceiling(
    viennese: Buyer, post: PostOffice
) -> None:
    viennese.save_card()
    post.bring()
    for ceiling, bought in ((1199, False), (1200, True)):
        with tenant_session(viennese.reseller) as session:
            wanted = TopUp(Good.CREDITS, 1000, 2000, ceiling, viennese.cards()[0].id)
            set_top_up(session, viennese.account(session), wanted, clock=viennese.till.clock)
            session.commit()
        assert top_up(viennese.reseller, viennese.id, till=viennese.till) is bought
    assert (viennese.payment().paid, viennese.payment().tax) == (1200, 200)


def test_a_plan_and_its_renewal_cost_vat_and_so_does_what_is_owed_for_it(viennese: Buyer) -> None:
    fill(viennese, 2400)
    plan, clock = plan_of(viennese), StoppedClock(viennese.till.clock.now())
    with tenant_session(viennese.reseller) as session:
        account = viennese.account(session)
        assert subscribe(session, account, plan, clock=clock).charged == Money(1200, "EUR")
        for left, status in ((0, PlanStatus.ACTIVE), (0, PlanStatus.PAST_DUE)):
            state = current_plan(session, account, clock=clock)
            assert state
            clock.advance(state.period_end - clock.now())
            assert renew_due(session, account, clock=clock).status is status
            balance_now = wallet_of(session, account).balance
            assert balance_now and balance_now.amount == left
        debt = debt_of(session, account, now=clock.now())
        assert debt and debt.plan
        assert debt.plan.money == Money(1200, "EUR")


def test_the_invoice_of_a_plan_from_the_wallet_has_its_net_price(viennese: Buyer) -> None:
    fill(viennese, 1200)
    with tenant_session(viennese.reseller) as session:
        subscribe(session, viennese.account(session), plan_of(viennese), clock=viennese.till.clock)
        session.commit()
    paper = next_invoice(viennese)
    assert (paper.net, paper.tax, paper.paid, paper.due) == (1000, 200, 1200, 0)


def test_what_lots_cost_is_without_vat(agency: Buyer, post: PostOffice) -> None:
    set_platforms_profile(db.session(), VIENNA)
    set_terms(db.session(), TERMS)
    db.session.commit()
    agency.buy(Purchase.credits(5000))
    post.bring()
    with tenant_session(agency.reseller) as session:
        [cost] = session.execute(text("SELECT cost FROM credit_lot")).scalars()
    assert (agency.payment().paid, cost) == (1200, 1000)


def test_what_is_priced_in_another_currency_than_that_of_invoices_is_not_sold(viennese: Buyer) -> None:
    with tenant_session(viennese.reseller) as session:
        set_terms(session, replace(TERMS, currency="CHF"))
        set_price(session, main_account(session), Money(500, "EUR"), clock=viennese.till.clock)
        session.commit()
    for wanted in (Purchase.credits(3000), Purchase.wallet(2000), Purchase.plan(plan_of(viennese))):
        with pytest.raises(NotForSale, match=r"EUR.*CHF"):
            viennese.open(wanted)
    with tenant_session(viennese.reseller) as session, pytest.raises(NotForSale):
        subscribe(session, viennese.account(session), plan_of(viennese), clock=viennese.till.clock)
    assert viennese.payments() == []
