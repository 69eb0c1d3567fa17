"""An invoice whose payment goes back: a part is credited by itself, the whole leaves it open again."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from billing.invoices.document import DraftLine, InvoiceKind, LineKind
from billing.invoices.profiles.services import set_platforms_profile, set_profile, set_terms
from billing.invoices.queries import ListedInvoice, document_of, invoice_by_id, invoices_in
from billing.invoices.services import Draft, Issued, credit_note, issue_invoice
from billing.payments.events import replay_event
from billing.payments.purchases import Purchase
from platform_core.database import db, tenant_session
from tenants.accounts.queries import main_account
from tests.billing.invoices.papers import GRAZ, TERMS, VIENNA
from tests.billing.payments.buyers import Buyer, PostOffice

LINES = (
    DraftLine(kind=LineKind.PLAN, detail="Business", quantity=1, unit_price=3333),
    DraftLine(kind=LineKind.CREDITS, quantity=10_000, unit_price=80, per=1000),
    DraftLine(kind=LineKind.CREDITS, quantity=-1_000, unit_price=80, per=1000),
)
GROSS = 4864  # 3333 + 800 - 80, and VAT of 811


def issue(buyer: Buyer) -> Issued:
    with tenant_session(buyer.reseller) as session:
        account = buyer.account(session)
        set_profile(session, main_account(session), VIENNA)
        set_terms(session, TERMS)
        set_profile(session, account, GRAZ)
        draft = Draft(buyer_id=account.id, buyer=GRAZ, lines=LINES)
        issued = issue_invoice(session, draft, clock=buyer.till.clock)
        session.commit()
    return issued


@pytest.fixture
def paid(customer: Buyer, post: PostOffice) -> str:
    """The intent of the payment of a customer's invoice."""
    checkout = customer.buy(Purchase.invoice(issue(customer).id))
    post.bring()
    return str(checkout["payment_intent"])


def papers(buyer: Buyer) -> tuple[ListedInvoice, list[ListedInvoice]]:
    """The invoice and its credit notes, oldest first."""
    with tenant_session(buyer.reseller) as session:
        found = invoices_in(session)
    return found[-1], found[-2::-1]


@pytest.mark.parametrize("part", [1, 3, 999, 2432, GROSS - 1])
def test_a_part_is_credited_to_the_cent_and_nothing_becomes_due(
    customer: Buyer, paid: str, post: PostOffice, part: int
) -> None:
    customer.server.desk.refund(paid, part)
    post.bring()
    invoice, (note,) = papers(customer)
    assert (note.kind, note.due.amount, note.corrects_id) == (InvoiceKind.CREDIT_NOTE, part, invoice.id)
    assert (invoice.open.amount, invoice.credited.amount) == (0, part)


def test_it_comes_off_the_lines_in_proportion_with_their_vat(
    customer: Buyer, paid: str, post: PostOffice
) -> None:
    customer.server.desk.refund(paid, 2432)
    post.bring()
    _, (note,) = papers(customer)
    with tenant_session(customer.reseller) as session:
        paper = document_of(invoice_by_id(session, note.id))
    # What was taken back before is no line to take from: 2027 of 4133.
    assert [(line.position, line.net) for line in paper.lines] == [(1, 1635), (2, 392)]
    assert (paper.net, paper.tax, paper.gross + paper.rounding) == (2027, 405, 2432)
    assert paper.corrects and paper.corrects.reason == "Refunded"


def test_each_refund_has_one_credit_note_however_often_it_is_told(
    customer: Buyer, paid: str, post: PostOffice
) -> None:
    customer.server.desk.refund(paid, 1000)
    first = post.waiting()
    post.bring()
    customer.server.desk.refund(paid, 500)
    second = post.waiting()
    post.bring()
    for event in (*first, *second):
        replay_event(event["id"], clock=customer.till.clock)
    invoice, notes = papers(customer)
    assert [note.due.amount for note in notes] == [1000, 500]
    assert [note.number[-1] for note in notes] == ["1", "2"]
    assert invoice.open.amount == 0


def test_two_refunds_of_which_the_first_is_told_last_are_credited_together(
    customer: Buyer, paid: str, post: PostOffice
) -> None:
    customer.server.desk.refund(paid, 1000)
    first = post.waiting()
    customer.server.desk.refund(paid, 500)
    second = [event for event in post.waiting() if event not in first]
    post.bring(*second, *first)
    invoice, notes = papers(customer)
    assert ([note.due.amount for note in notes], invoice.open.amount) == ([1500], 0)


def test_part_after_part_up_to_the_whole_is_all_credited(
    customer: Buyer, paid: str, post: PostOffice
) -> None:
    for part in (1000, GROSS - 1000):
        customer.server.desk.refund(paid, part)
        post.bring()
    invoice, notes = papers(customer)
    assert sum(note.due.amount for note in notes) == GROSS
    assert invoice.open.amount == 0


def test_the_whole_at_once_leaves_the_invoice_open(customer: Buyer, paid: str, post: PostOffice) -> None:
    customer.server.desk.refund(paid, GROSS)
    post.bring()
    invoice, notes = papers(customer)
    assert (invoice.open.amount, notes) == (GROSS, [])


def test_what_is_disputed_after_a_part_was_refunded_is_open_until_it_is_won(
    customer: Buyer, paid: str, post: PostOffice
) -> None:
    customer.server.desk.refund(paid, 1000)
    dispute = customer.server.desk.dispute(paid)
    post.bring()
    assert papers(customer)[0].open.amount == GROSS - 1000
    customer.server.desk.close_dispute(dispute, won=True)
    post.bring()
    assert papers(customer)[0].open.amount == 0


def test_a_credit_note_that_was_written_before_the_money_went_back_is_enough(
    customer: Buyer, paid: str, post: PostOffice
) -> None:
    with tenant_session(customer.reseller) as session:
        credit_note(
            session,
            invoices_in(session)[0].id,
            reason="Too much",
            clock=customer.till.clock,
            amounts={1: 1000},
        )
        session.commit()
    customer.server.desk.refund(paid, 1200)
    post.bring()
    invoice, notes = papers(customer)
    assert ([note.due.amount for note in notes], invoice.open.amount) == ([1200], 0)


def platforms(session: Session, buyer: Buyer) -> list[ListedInvoice]:
    session.rollback()
    return invoices_in(session, buyer_id=buyer.reseller.id)


def test_the_platforms_books_are_kept_the_same_way(agency: Buyer, post: PostOffice) -> None:
    session = db.session()
    set_platforms_profile(session, VIENNA)
    set_terms(session, replace(TERMS, number_format=f"{agency.reseller.key}-{{number}}"))
    issued = issue_invoice(
        session, Draft(buyer_id=agency.reseller.id, buyer=GRAZ, lines=LINES), clock=agency.till.clock
    )
    session.commit()
    checkout = agency.buy(Purchase.invoice(issued.id))
    post.bring()
    agency.server.desk.refund(str(checkout["payment_intent"]), 1000)
    told = post.waiting()
    post.bring()
    for event in told:
        replay_event(event["id"], clock=agency.till.clock)
    note, invoice = platforms(session, agency)
    assert (note.due.amount, invoice.open.amount) == (1000, 0)
    session.rollback()
