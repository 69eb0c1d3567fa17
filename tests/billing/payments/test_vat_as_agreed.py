"""The VAT of a payment and the buyer's tax data stay what they were when it was paid: the invoice says them, and no others."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from billing.invoices.document import Document
from billing.invoices.monthly.services import bill_reseller, bill_sub_accounts
from billing.invoices.parties import Party, Terms
from billing.invoices.profiles.services import set_platforms_profile, set_profile, set_terms
from billing.invoices.queries import document_of, invoice_by_id, invoices_in
from billing.invoices.taxes import taxed
from billing.money import Money, net_within
from billing.payments.from_wallet import buy_from_wallet
from billing.payments.models import Payment
from billing.payments.purchases import Purchase
from billing.plans.catalogue import NewPlan, create_plan
from billing.plans.services import subscribe
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.clock import StoppedClock
from platform_core.database import db, tenant_session
from tenants.accounts.queries import main_account
from tests.billing.invoices.papers import GRAZ, LYON, TERMS, VIENNA
from tests.billing.payments.buyers import Buyer, PostOffice

# A name, an address and a rate of VAT apart from Graz: a consumer in Hungary.
BUDAPEST = Party(legal_name="Kovács Anna", country="HU", city="Budapest", email="anna@kovacs.example")


def become(buyer: Buyer, party: Party) -> None:
    with tenant_session(buyer.reseller) as session:
        set_profile(session, buyer.account(session), party)
        session.commit()


def sell_as(buyer: Buyer, party: Party, terms: Terms = TERMS) -> None:
    with tenant_session(buyer.reseller) as session:
        set_profile(session, main_account(session), party)
        set_terms(session, terms)
        session.commit()


def papers(buyer: Buyer) -> list[Document]:
    """The invoices of the month in which everything was bought."""
    later = StoppedClock(buyer.till.clock.now() + timedelta(days=40))
    return [issued.document for issued in bill_sub_accounts(buyer.reseller, clock=later)]


def said(paper: Document) -> tuple[str, str, int, int, int]:
    """Of an invoice what tax law asks of it; nothing may be due."""
    assert (paper.due, paper.paid) == (0, paper.net + paper.tax)
    return paper.buyer.legal_name, paper.vat_category, paper.vat_basis_points, paper.net, paper.tax


def test_who_moves_abroad_after_paying_is_billed_as_it_was_charged(viennese: Buyer, post: PostOffice) -> None:
    viennese.buy(Purchase.credits(3000))
    become(viennese, LYON)
    post.bring()
    assert [said(paper) for paper in papers(viennese)] == [("Muster KG", "S", 2000, 1500, 300)]


def test_who_was_charged_nothing_by_reverse_charge_is_not_billed_vat_later(
    viennese: Buyer, post: PostOffice
) -> None:
    become(viennese, LYON)
    viennese.buy(Purchase.credits(3000))
    post.bring()
    become(viennese, GRAZ)
    (paper,) = papers(viennese)
    assert said(paper) == ("Fleurs SARL", "AE", 0, 1500, 0)
    assert (paper.buyer.vat_id, paper.vat_note) == (LYON.vat_id, "reverse_charge")


def test_what_was_bought_before_and_after_a_change_is_on_two_invoices_once_each(
    viennese: Buyer, post: PostOffice
) -> None:
    viennese.buy(Purchase.credits(3000))
    become(viennese, LYON)
    viennese.buy(Purchase.credits(2000))
    post.bring()
    first = papers(viennese)
    assert [said(paper) for paper in first] == [
        ("Fleurs SARL", "AE", 0, 1000, 0),
        ("Muster KG", "S", 2000, 1500, 300),
    ]
    assert len({paper.number for paper in first}) == 2
    assert papers(viennese) == []


def test_another_rate_of_the_seller_is_not_that_of_what_was_paid(viennese: Buyer, post: PostOffice) -> None:
    sell_as(viennese, VIENNA, replace(TERMS, one_stop_shop=True))
    become(viennese, BUDAPEST)
    viennese.buy(Purchase.credits(3000))
    sell_as(viennese, VIENNA)
    post.bring()
    assert [said(paper) for paper in papers(viennese)] == [("Kovács Anna", "S", 2700, 1500, 405)]


def test_a_new_address_for_letters_and_another_language_split_nothing(
    viennese: Buyer, post: PostOffice
) -> None:
    viennese.buy(Purchase.credits(3000))
    become(viennese, replace(GRAZ, email="new@muster.example", language="it"))
    viennese.buy(Purchase.credits(2000))
    post.bring()
    (paper,) = papers(viennese)
    assert (paper.net, paper.buyer.email, paper.language) == (2500, "new@muster.example", "it")


def test_what_the_wallet_paid_keeps_its_vat_too(viennese: Buyer) -> None:
    clock = viennese.till.clock
    with tenant_session(viennese.reseller) as session:
        account, money = viennese.account(session), Money(5000, "EUR")
        credit_wallet(
            session, account, money, reason=WalletReason.PAID_IN, reference=uuid4().hex, clock=clock
        )
        plan = create_plan(session, NewPlan("Small", Money(1000, "EUR"), 100))
        subscribe(session, account, plan.id, clock=clock)
        buy_from_wallet(session, account, Purchase.credits(3000), clock=clock)
        session.commit()
    become(viennese, LYON)
    (paper,) = papers(viennese)
    assert said(paper) == ("Muster KG", "S", 2000, 2500, 500)
    assert len(paper.lines) == 2


def test_who_had_told_no_profile_is_named_by_the_one_told_later_with_the_vat_that_was_charged(
    customer: Buyer, post: PostOffice
) -> None:
    sell_as(customer, VIENNA)
    customer.buy(Purchase.credits(3000))
    post.bring()
    assert papers(customer) == []
    become(customer, LYON)
    assert [said(paper) for paper in papers(customer)] == [("Fleurs SARL", "S", 2000, 1500, 300)]


def test_while_the_seller_makes_no_invoices_nothing_is_agreed_and_a_later_one_goes_by_its_own_day(
    customer: Buyer, post: PostOffice
) -> None:
    customer.buy(Purchase.credits(4000))
    post.bring()
    assert customer.payment().agreed is None
    sell_as(customer, VIENNA)
    become(customer, GRAZ)
    assert [said(paper)[1:] for paper in papers(customer)] == [("S", 2000, 1667, 333)]


def test_payments_from_before_it_was_written_down_are_billed_by_what_holds(
    viennese: Buyer, post: PostOffice
) -> None:
    viennese.buy(Purchase.credits(3000))
    post.bring()
    with tenant_session(viennese.reseller) as session:
        session.query(Payment).one().agreed = None
        session.commit()
    become(viennese, LYON)
    assert [said(paper) for paper in papers(viennese)] == [("Fleurs SARL", "AE", 0, 1800, 0)]


def test_what_is_refunded_of_it_is_credited_with_the_same_vat(viennese: Buyer, post: PostOffice) -> None:
    viennese.buy(Purchase.credits(3000))
    become(viennese, LYON)
    post.bring()
    papers(viennese)
    with tenant_session(viennese.reseller) as session:
        session.query(Payment).one().refunded = 1800
        session.commit()
    become(viennese, BUDAPEST)
    assert papers(viennese) == []
    with tenant_session(viennese.reseller) as session:
        note = document_of(invoice_by_id(session, invoices_in(session)[0].id))
    assert (note.kind, note.buyer.legal_name, note.net, note.tax) == ("credit_note", "Muster KG", 1500, 300)


def test_the_platform_keeps_to_what_it_charged_a_reseller(agency: Buyer, post: PostOffice) -> None:
    set_platforms_profile(db.session(), VIENNA)
    set_terms(db.session(), TERMS)
    db.session.commit()
    become(agency, GRAZ)
    agency.buy(Purchase.credits(5000))
    post.bring()
    become(agency, LYON)
    later = StoppedClock(agency.till.clock.now() + timedelta(days=40))
    (issued,) = bill_reseller(agency.reseller, clock=later)
    assert said(issued.document) == ("Muster KG", "S", 2000, 1000, 200)


@pytest.mark.parametrize("net", [1, 3, 50, 99, 1234, 99_999_999])
def test_the_net_price_within_what_was_paid_is_the_one_that_was_shown(viennese: Buyer, net: int) -> None:
    with tenant_session(viennese.reseller) as session:
        asked = taxed(session, viennese.account(session), Money(net, "EUR"), now=viennese.till.clock.now())
    assert asked.agreed
    assert (asked.agreed.net, asked.agreed.tax) == (net, asked.gross.amount - net)
    assert net_within(asked.gross.amount, asked.vat.basis_points) == net
