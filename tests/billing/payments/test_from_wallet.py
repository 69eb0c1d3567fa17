"""Buying with the money in the wallet."""

import pytest

from billing.money import Money
from billing.payments.from_wallet import buy_from_wallet
from billing.payments.purchases import Purchase
from billing.payments.queries import payments_of
from billing.plans.catalogue import NewPlan, create_plan
from billing.plans.queries import current_plan
from billing.plans.renewals import renew_due, suspend_plan
from billing.plans.services import subscribe
from billing.plans.states import PlanStatus
from billing.wallet.queries import wallet_of
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.database import tenant_session
from platform_core.errors import InsufficientFunds, NotForSale
from tests.billing.payments.buyers import Buyer, PostOffice


def fill(buyer: Buyer, amount: int) -> None:
    with tenant_session(buyer.reseller) as session:
        credit_wallet(
            session,
            buyer.account(session),
            Money(amount, "EUR"),
            reason=WalletReason.PAID_IN,
            reference="a transfer",
            clock=buyer.till.clock,
        )
        session.commit()


def buy(buyer: Buyer, purchase: Purchase) -> None:
    with tenant_session(buyer.reseller) as session:
        buy_from_wallet(session, buyer.account(session), purchase, clock=buyer.till.clock)
        session.commit()


def balance(buyer: Buyer) -> Money | None:
    with tenant_session(buyer.reseller) as session:
        return wallet_of(session, buyer.account(session)).balance


def test_credits_are_paid_and_there_at_once(agency: Buyer) -> None:
    fill(agency, 1500)
    buy(agency, Purchase.credits(5000))
    assert (agency.credits(), balance(agency)) == (5000, Money(500, "EUR"))
    with tenant_session(agency.reseller) as session:
        (paid,) = payments_of(session, agency.id)
    assert (paid.origin, paid.delivered) == ("wallet", True)


def test_a_wallet_that_does_not_hold_enough_buys_nothing(agency: Buyer) -> None:
    for money in (None, 999):
        if money:
            fill(agency, money)
        with pytest.raises(InsufficientFunds):
            buy(agency, Purchase.credits(5000))
    assert (agency.credits(), balance(agency), agency.payments()) == (0, Money(999, "EUR"), [])


def test_what_is_only_sold_by_card_is_not_sold_here(agency: Buyer) -> None:
    fill(agency, 10_000)
    with pytest.raises(NotForSale):
        buy(agency, Purchase.dedicated_ips(1))


def test_a_plan_that_waits_for_money_goes_on_when_the_wallet_is_filled(
    customer: Buyer, post: PostOffice
) -> None:
    with tenant_session(customer.reseller) as session:
        account, clock = customer.account(session), customer.till.clock
        plan = create_plan(session, NewPlan("Small", Money(900, "EUR"), 1000))
        subscribe(session, account, plan.id, clock=clock, paid=True)
        suspend_plan(session, account, clock=clock)
        session.commit()
    customer.buy(Purchase.wallet(2000))
    post.bring()
    with tenant_session(customer.reseller) as session:
        account = customer.account(session)
        renew_due(session, account, clock=customer.till.clock)
        found = current_plan(session, account, clock=customer.till.clock)
    assert found is not None and found.status is PlanStatus.ACTIVE
