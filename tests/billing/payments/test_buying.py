"""Buying through the checkout, from both sellers, with the real library against the payment server."""

import pytest

from billing.ledger.models import CreditLot
from billing.ledger.services import grant_credits
from billing.money import Money
from billing.payments.checkout import forget_card
from billing.payments.ip_prices import set_ip_price
from billing.payments.jobs import deliver_again
from billing.payments.orders import ip_orders
from billing.payments.purchases import Purchase
from billing.payments.queries import cards_of
from billing.payments.states import PaymentState
from billing.payments.till import quote_for
from billing.rentals.margins import ip_margins
from billing.rentals.queries import handed_on, rentals_of
from billing.wallet.queries import wallet_of
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import LimitReached, NotForSale
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.pending.kinds import Work
from tenants.pending.queries import pending
from tests.billing.payments.buyers import Buyer, PostOffice
from tests.billing.rentals.asking import ask_for_handing_on


def test_credits_arrive_when_the_payment_service_says_that_they_are_paid(
    agency: Buyer, post: PostOffice
) -> None:
    agency.buy(Purchase.credits(5000))
    assert agency.credits() == 0
    post.bring()
    assert agency.credits() == 5000
    payment = agency.payment()
    assert (payment.state, payment.asked, payment.paid) == (PaymentState.PAID, 1000, 1000)


def test_the_lot_keeps_what_was_paid_for_it(agency: Buyer, post: PostOffice) -> None:

    agency.buy(Purchase.credits(100_000))
    post.bring()
    with tenant_session(agency.reseller) as session:
        lot = session.query(CreditLot).filter_by(account_id=agency.id).one()
    assert (lot.credits, lot.cost, lot.currency, lot.origin) == (100_000, 15_000, "EUR", "bought")


def test_a_checkout_that_nobody_pays_brings_nothing(agency: Buyer, post: PostOffice) -> None:
    checkout = agency.open(Purchase.credits(5000))
    agency.server.desk.expire(checkout)
    post.bring()
    assert agency.payment().state == PaymentState.EXPIRED
    assert agency.credits() == 0


def test_a_customer_pays_its_reseller_and_gets_credits_of_the_stock(
    customer: Buyer, agency: Buyer, post: PostOffice
) -> None:
    checkout = customer.buy(Purchase.credits(2000))
    post.bring()
    assert customer.credits() == 2000
    assert agency.credits() == 8000
    assert checkout["amount_total"] == 1000
    assert agency.server.desk.owner(checkout) == customer.payment().stripe_account != ""


def test_a_customer_can_not_buy_more_than_the_stock_holds(customer: Buyer) -> None:
    with pytest.raises(NotForSale):
        customer.open(Purchase.credits(10_001))


def test_a_customer_of_a_reseller_without_an_account_of_its_own_can_not_buy(agency: Buyer) -> None:

    with tenant_session(agency.reseller) as session:
        shop = create_sub_account(session, NewAccount("Shop"))
        with pytest.raises(NotForSale):
            quote_for(session, shop, Purchase.credits(1000), currency="EUR", clock=agency.till.clock)


def test_stock_that_ran_out_meanwhile_is_delivered_when_there_is_some_again(
    customer: Buyer, agency: Buyer, post: PostOffice
) -> None:

    first, second = customer.buy(Purchase.credits(6000)), customer.buy(Purchase.credits(6000))
    assert first["id"] != second["id"]
    post.bring()
    assert (customer.credits(), agency.credits()) == (6000, 4000)
    with tenant_session(agency.reseller) as session:
        grant_credits(session, agency.account(session), 3000, clock=agency.till.clock)
        session.commit()
    assert agency.reseller in waiting()
    for _ in range(2):
        deliver_again()
    assert (customer.credits(), agency.credits()) == (12_000, 1000)
    assert agency.reseller not in waiting()


def waiting() -> list[ResellerRef]:
    """Whom the job visits."""
    db.session.rollback()
    return [one.reseller for one in pending(db.session(), Work.DELIVERIES)]


def test_money_paid_in_is_in_the_wallet(agency: Buyer, post: PostOffice) -> None:
    agency.buy(Purchase.wallet(2500))
    post.bring()
    with tenant_session(agency.reseller) as session:
        assert wallet_of(session, agency.account(session)).balance == Money(2500, "EUR")


def test_a_dedicated_ip_becomes_an_order_and_a_refund_cancels_it(agency: Buyer, post: PostOffice) -> None:
    checkout = agency.buy(Purchase.dedicated_ips(2))
    post.bring()
    mine = [order for order in ip_orders(db.session()) if order.reseller_id == agency.reseller.id]
    assert [(order.account_id, order.addresses) for order in mine] == [(agency.id, 2)]
    agency.server.desk.refund(checkout["payment_intent"], 8000)
    post.bring()
    db.session.rollback()
    assert not [order for order in ip_orders(db.session()) if order.reseller_id == agency.reseller.id]


def test_more_dedicated_ips_than_the_plan_allows_are_not_sold(customer: Buyer, post: PostOffice) -> None:
    with tenant_session(customer.reseller) as session:
        set_ip_price(session, main_account(session), Money(6000, "EUR"), clock=customer.till.clock)
        customer.account(session).most_dedicated_ips = 2
        session.commit()
    customer.buy(Purchase.dedicated_ips(2))
    post.bring()
    with pytest.raises(LimitReached):
        customer.open(Purchase.dedicated_ips(1))


def test_of_dedicated_ips_a_part_goes_back_with_its_part_of_the_money_and_comes_again_with_it(
    agency: Buyer, post: PostOffice
) -> None:
    checkout = agency.buy(Purchase.dedicated_ips(2))
    post.bring()
    dispute = agency.server.desk.dispute(checkout["payment_intent"])
    post.bring()
    with tenant_session(agency.reseller) as session:
        assert rentals_of(session, agency.id) == []
    agency.server.desk.close_dispute(dispute, won=True)
    post.bring()
    agency.server.desk.refund(checkout["payment_intent"], 4000)
    post.bring()
    with tenant_session(agency.reseller) as session:
        (found,) = rentals_of(session, agency.id)
    assert (found.addresses, found.price) == (1, Money(4000, "EUR"))


def test_a_card_left_at_the_checkout_is_saved(agency: Buyer, post: PostOffice) -> None:
    agency.buy(Purchase.credits(5000), save_card=True)
    post.bring()
    with tenant_session(agency.reseller) as session:
        cards = cards_of(session, agency.id)
    assert [(card.brand, card.last4) for card in cards] == [("visa", "4242")]


def test_a_card_can_be_saved_without_paying_and_forgotten_again(agency: Buyer, post: PostOffice) -> None:

    agency.save_card()
    post.bring()
    (card,) = agency.cards()
    with tenant_session(agency.reseller) as session:
        forget_card(session, agency.account(session), card.id, till=agency.till)
    post.bring()
    assert not agency.cards()


def test_an_account_is_one_customer_however_often_it_buys(agency: Buyer, post: PostOffice) -> None:
    sessions = [agency.open(Purchase.credits(1000 * n)) for n in (1, 2)]
    post.bring()
    assert len({session["customer"] for session in sessions}) == 1


def test_a_customer_orders_a_dedicated_ip_at_its_resellers_price(customer: Buyer, post: PostOffice) -> None:
    with pytest.raises(NotForSale):
        customer.open(Purchase.dedicated_ips(1))
    with tenant_session(customer.reseller) as session:
        set_ip_price(session, main_account(session), Money(6000, "EUR"), clock=customer.till.clock)
        session.commit()
    assert customer.buy(Purchase.dedicated_ips(1))["amount_total"] == 6000
    post.bring()
    mine = [order for order in ip_orders(db.session()) if order.reseller_id == customer.reseller.id]
    assert [order.account_id for order in mine] == [customer.id]


def test_what_a_customer_orders_is_charged_to_its_reseller_and_is_not_sold_while_that_owes(
    customer: Buyer, post: PostOffice
) -> None:
    ask_for_handing_on(customer.reseller)
    with tenant_session(customer.reseller) as session:
        main, clock = main_account(session), customer.till.clock
        set_ip_price(session, main, Money(6000, "EUR"), clock=clock)
        money = Money(5000, "EUR")
        credit_wallet(session, main, money, reason=WalletReason.PAID_IN, reference="1", clock=clock)
        session.commit()
    customer.buy(Purchase.dedicated_ips(1))
    post.bring()
    with tenant_session(customer.reseller) as session:
        (cost,) = handed_on(session)
        (margin,) = ip_margins(session)
        left = wallet_of(session, main_account(session)).balance
    assert (cost.rental.paid, cost.rental.price, left) == (True, Money(3000, "EUR"), Money(2000, "EUR"))
    assert (margin.price, margin.margin) == (Money(6000, "EUR"), Money(3000, "EUR"))
    customer.buy(Purchase.dedicated_ips(1))
    post.bring()
    with pytest.raises(NotForSale, match="not available at the moment"):
        customer.open(Purchase.dedicated_ips(1))


def test_a_wallet_of_another_currency_is_not_filled(agency: Buyer) -> None:
    """What was paid could not be put in."""
    with tenant_session(agency.reseller) as session:
        account, money = agency.account(session), Money(500, "USD")
        credit_wallet(
            session, account, money, reason=WalletReason.PAID_IN, reference="1", clock=agency.till.clock
        )
        session.commit()
    with pytest.raises(NotForSale, match="kept in USD"):
        agency.open(Purchase.wallet(2000))
