"""Refunds and disputes: what was bought comes back as far as it is unspent, and the rest is shown."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from billing.invoices.monthly.month import Month
from billing.invoices.monthly.sources import lines_to_bill
from billing.ledger.models import CreditLot
from billing.ledger.services import grant_credits, revoke_bought
from billing.ledger.transfers import hand_over
from billing.money import Money
from billing.payments.checkout import refund_payment
from billing.payments.purchases import Purchase
from billing.payments.queries import payments_to_look_at
from billing.wallet.queries import wallet_of
from billing.wallet.services import WalletReason, charge_wallet
from platform_core.clock import StoppedClock
from platform_core.database import tenant_session
from platform_core.errors import InsufficientFunds, InvalidInput
from tenants.accounts.queries import main_account
from tests.billing.payments.buyers import Buyer, PostOffice


def spend(buyer: Buyer, credits: int) -> None:
    """Have so many of its credits gone."""
    with tenant_session(buyer.reseller) as session:
        lots = [lot.id for lot in session.query(CreditLot).filter_by(account_id=buyer.id)]
        revoke_bought(session, lots, credits, clock=buyer.till.clock, note="spent in a test")
        session.commit()


def returned(buyer: Buyer) -> tuple[int, int]:
    """Units of its payment that were taken back, and that were missing."""
    payment = buyer.payment()
    return payment.taken_back, payment.missing


@pytest.fixture
def bought(agency: Buyer, post: PostOffice) -> str:
    """The intent of a payment of 10.00 EUR for 5,000 credits, which have arrived."""
    checkout = agency.buy(Purchase.credits(5000))
    post.bring()
    return str(checkout["payment_intent"])


def test_a_part_refunded_takes_its_part_of_the_credits(agency: Buyer, bought: str, post: PostOffice) -> None:
    agency.server.desk.refund(bought, 250)
    post.bring()
    assert agency.credits() == 3750
    agency.server.desk.refund(bought, 750)
    post.bring()
    assert (agency.credits(), returned(agency)) == (0, (5000, 0))


def test_what_is_spent_already_is_shown_and_not_taken(agency: Buyer, bought: str, post: PostOffice) -> None:
    spend(agency, 4000)
    agency.server.desk.refund(bought, 1000)
    post.bring()
    assert (agency.credits(), returned(agency)) == (0, (1000, 4000))
    with tenant_session(agency.reseller) as session:
        assert [one.missing for one in payments_to_look_at(session)] == [4000]


def test_a_dispute_takes_all_and_gives_it_back_when_it_is_won(
    agency: Buyer, bought: str, post: PostOffice
) -> None:
    spend(agency, 1000)
    dispute = agency.server.desk.dispute(bought)
    post.bring()
    assert (agency.credits(), returned(agency)) == (0, (4000, 1000))
    agency.server.desk.close_dispute(dispute, won=True)
    post.bring()
    assert (agency.credits(), returned(agency)) == (4000, (0, 0))


def test_a_dispute_that_is_lost_stays_so(agency: Buyer, bought: str, post: PostOffice) -> None:
    dispute = agency.server.desk.dispute(bought)
    opened = post.waiting()
    agency.server.desk.close_dispute(dispute, won=False)
    post.bring()
    post.bring(*opened)
    assert (agency.credits(), returned(agency)) == (0, (5000, 0))


def test_an_inquiry_moves_nothing(agency: Buyer, bought: str, post: PostOffice) -> None:
    agency.server.desk.dispute(bought)
    (event,) = post.waiting()
    event["data"]["object"]["status"] = "warning_needs_response"
    post.bring(event)
    assert agency.credits() == 5000


def test_a_customers_credits_go_back_to_the_stock(customer: Buyer, agency: Buyer, post: PostOffice) -> None:
    checkout = customer.buy(Purchase.credits(2000))
    post.bring()
    customer.server.desk.refund(checkout["payment_intent"], 500)
    post.bring()
    assert (customer.credits(), agency.credits()) == (1000, 9000)


def test_what_a_customer_is_refunded_comes_out_of_what_that_payment_bought(
    customer: Buyer, post: PostOffice, clock: StoppedClock
) -> None:
    """And not out of credits that lapse later: they were handed over on account, and stay to be paid."""
    checkout = customer.buy(Purchase.credits(2000))
    post.bring()
    clock.advance(timedelta(days=30))
    with tenant_session(customer.reseller) as session:
        stock = main_account(session)
        grant_credits(session, stock, 10_000, clock=clock)
        hand_over(session, stock, customer.account(session), 8000 + 1000, clock=clock)
        session.commit()
    customer.server.desk.refund(checkout["payment_intent"], 1000)
    post.bring()
    with tenant_session(customer.reseller) as session:
        month = Month.ended_before(clock.now() + timedelta(days=31), "UTC")
        lines = lines_to_bill(session, customer.account(session), month, "EUR")
        lots = session.query(CreditLot).filter_by(account_id=customer.id)
        left = sorted((lot.credits, lot.remaining) for lot in lots)
    assert (sum(line.price for line in lines), left) == (4500, [(1000, 1000), (2000, 0), (8000, 8000)])


def test_a_refund_is_asked_for_once_however_often(agency: Buyer, bought: str, post: PostOffice) -> None:
    for _ in range(3):
        with tenant_session(agency.reseller) as session:
            assert refund_payment(session, agency.payment().id, 300, till=agency.till) == Money(300, "EUR")
    post.bring()
    assert agency.payment().refunded == 300
    with tenant_session(agency.reseller) as session, pytest.raises(InvalidInput):
        refund_payment(session, agency.payment().id, 701, till=agency.till)


def test_a_wallet_owes_what_was_spent_before_its_payment_was_disputed(
    agency: Buyer, post: PostOffice
) -> None:
    checkout = agency.buy(Purchase.wallet(2000))
    post.bring()
    with tenant_session(agency.reseller) as session:
        charge(session, agency, 1500, "first")
        session.commit()
    agency.server.desk.dispute(checkout["payment_intent"])
    post.bring()
    with tenant_session(agency.reseller) as session:
        assert wallet_of(session, agency.account(session)).balance == Money(-1500, "EUR")
        with pytest.raises(InsufficientFunds):
            charge(session, agency, 1, "second")


def charge(session: Session, buyer: Buyer, amount: int, reference: str) -> None:
    charge_wallet(
        session,
        buyer.account(session),
        Money(amount, "EUR"),
        reason=WalletReason.CHARGED,
        reference=reference,
        clock=buyer.till.clock,
    )
