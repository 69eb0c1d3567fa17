"""Issuing: what a paper says, that nothing is billed twice, and that what is issued stays."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from billing.invoices.profiles.services import set_terms
from billing.invoices.queries import document_of, invoice_by_id, invoices_in
from billing.invoices.services import credit_note, issue_invoice
from billing.invoices.signals import invoice_issued
from platform_core.clock import StoppedClock
from platform_core.database import OWNER_ROLE, ResellerRef, db, tenant_session
from platform_core.errors import InvalidInput, NotFound, TaxProfileMissing
from platform_core.migrations import owner_engine
from platform_core.settings import Settings
from tenants.models import Account
from tests.billing.invoices.papers import CREDITS, GRAZ, LYON, PLAN, TERMS, draft


def test_an_invoice_adds_up_and_bears_the_next_number(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    issued = issue_invoice(rows, draft(customer), clock=clock)
    paper = issued.document
    assert issued.number == "AM-2026-0001"
    assert [line.net for line in paper.lines] == [4900, 2000]
    assert (paper.net, paper.tax, paper.gross, paper.due) == (6900, 1380, 8280, 8280)
    assert (paper.issue_date, paper.due_date) == (date(2026, 11, 2), date(2026, 11, 16))


def test_the_paper_read_back_is_the_paper_issued(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    issued = issue_invoice(rows, draft(customer, LYON), clock=clock)
    rows.commit()
    rows.expire_all()
    assert document_of(invoice_by_id(rows, issued.id)) == issued.document


def test_a_reference_has_one_invoice(rows: Session, customer: Account, clock: StoppedClock) -> None:
    first = issue_invoice(rows, draft(customer, reference="usage:2026-10"), clock=clock)
    again = issue_invoice(rows, draft(customer, reference="usage:2026-10"), clock=clock)
    assert (first.fresh, again.fresh) == (True, False)
    assert (again.id, again.document) == (first.id, first.document)


def test_what_was_billed_is_left_out_of_the_next_invoice(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    issue_invoice(rows, draft(customer, GRAZ, CREDITS), clock=clock)
    second = issue_invoice(rows, draft(customer, GRAZ, PLAN, CREDITS), clock=clock)
    assert [line.kind for line in second.document.lines] == [PLAN.kind]


def test_nothing_left_to_bill_takes_no_number(rows: Session, customer: Account, clock: StoppedClock) -> None:
    issue_invoice(rows, draft(customer, GRAZ, CREDITS), clock=clock)
    with pytest.raises(InvalidInput):
        issue_invoice(rows, draft(customer, GRAZ, CREDITS), clock=clock)
    assert issue_invoice(rows, draft(customer, GRAZ, PLAN), clock=clock).number == "AM-2026-0002"


def test_the_numbers_begin_again_with_the_year(rows: Session, customer: Account, clock: StoppedClock) -> None:
    issue_invoice(rows, draft(customer, GRAZ, PLAN), clock=clock)
    new_year = StoppedClock(datetime(2026, 12, 31, 23, tzinfo=UTC))
    assert issue_invoice(rows, draft(customer, GRAZ, PLAN), clock=new_year).number == "AM-2026-0002"
    new_year.advance(timedelta(hours=1))
    assert issue_invoice(rows, draft(customer, GRAZ, PLAN), clock=new_year).number == "AM-2027-0001"


def test_without_a_year_in_it_a_format_counts_on(rows: Session, customer: Account) -> None:
    set_terms(rows, replace(TERMS, number_format="{number:06}"))
    for year, number in ((2026, "000001"), (2027, "000002")):
        clock = StoppedClock(datetime(year, 6, 1, tzinfo=UTC))
        assert issue_invoice(rows, draft(customer, GRAZ, PLAN), clock=clock).number == number


def test_days_follow_numbers_when_a_clock_goes_back(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    issue_invoice(rows, draft(customer, GRAZ, PLAN), clock=clock)
    behind = StoppedClock(clock.now() - timedelta(days=1))
    paper = issue_invoice(rows, draft(customer, GRAZ, PLAN), clock=behind).document
    assert (paper.issue_date, paper.due_date) == (date(2026, 11, 2), date(2026, 11, 16))


def test_without_tax_profile_or_terms_nothing_is_issued(reseller: ResellerRef, clock: StoppedClock) -> None:
    with tenant_session(reseller) as session, pytest.raises(TaxProfileMissing):
        issue_invoice(session, draft(Account(id=1)), clock=clock)


def test_the_news_is_told_after_the_commit(rows: Session, customer: Account, clock: StoppedClock) -> None:
    heard: list[tuple[object, int]] = []

    def hear(sender: object, *, invoice_id: int) -> None:
        heard.append((sender, invoice_id))

    with invoice_issued.connected_to(hear):
        issued = issue_invoice(rows, draft(customer), clock=clock)
        assert heard == []
        rows.commit()
    assert heard == [(rows.info["reseller"], issued.id)]


@pytest.mark.parametrize("statement", ["UPDATE invoice SET paid = 1", "DELETE FROM invoice"])
def test_the_resellers_role_may_not_touch_an_issued_invoice(
    rows: Session, customer: Account, clock: StoppedClock, statement: str
) -> None:
    issue_invoice(rows, draft(customer), clock=clock)
    with pytest.raises(ProgrammingError, match="permission denied"):
        rows.execute(text(statement))


@pytest.mark.parametrize("statement", ["UPDATE {} SET paid = 1", "DELETE FROM {}"])
def test_even_the_owner_of_the_tables_cannot_change_an_issued_invoice(
    rows: Session, customer: Account, clock: StoppedClock, statement: str, database: Settings
) -> None:
    issue_invoice(rows, draft(customer), clock=clock)
    rows.commit()
    table = f"r_{rows.info['reseller'].key}.invoice"
    with owner_engine(database) as engine, engine.connect() as connection:
        connection.execute(text(f"SET ROLE {OWNER_ROLE}"))
        with pytest.raises(IntegrityError, match="stays as it was written"):
            connection.execute(text(statement.format(table)))


def test_a_credit_note_takes_an_invoice_back_whole(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    invoice = issue_invoice(rows, draft(customer), clock=clock)
    note = credit_note(rows, invoice.id, reason="Billed twice", clock=clock)
    assert note.number == "GS-2026-0001"
    assert (note.document.net, note.document.tax) == (invoice.document.net, invoice.document.tax)
    assert note.document.corrects is not None
    assert note.document.corrects.number == "AM-2026-0001"
    listed = {one.number: one for one in invoices_in(rows)}
    assert listed["AM-2026-0001"].credited.amount == invoice.document.gross


def test_parts_are_credited_until_nothing_is_left(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    invoice = issue_invoice(rows, draft(customer), clock=clock)
    part = credit_note(rows, invoice.id, reason="Two weeks down", clock=clock, amounts={1: 2450})
    rest = credit_note(rows, invoice.id, reason="Cancelled", clock=clock)
    assert [line.net for line in part.document.lines] == [2450]
    assert [(line.position, line.net) for line in rest.document.lines] == [(1, 2450), (2, 2000)]
    with pytest.raises(InvalidInput, match="left to take back"):
        credit_note(rows, invoice.id, reason="Once more", clock=clock)


@pytest.mark.parametrize("amounts", [{1: 4901}, {1: 0}, {1: -1}, {9: 1}])
def test_no_more_is_credited_than_was_billed(
    rows: Session, customer: Account, clock: StoppedClock, amounts: dict[int, int]
) -> None:
    invoice = issue_invoice(rows, draft(customer), clock=clock)
    with pytest.raises(InvalidInput):
        credit_note(rows, invoice.id, reason="Generous", clock=clock, amounts=amounts)


def test_a_credit_note_is_not_credited(rows: Session, customer: Account, clock: StoppedClock) -> None:
    invoice = issue_invoice(rows, draft(customer), clock=clock)
    note = credit_note(rows, invoice.id, reason="Mistake", clock=clock)
    with pytest.raises(InvalidInput):
        credit_note(rows, note.id, reason="Mistake", clock=clock)


def test_one_buyer_does_not_find_anothers_invoice(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    issued = issue_invoice(rows, draft(customer), clock=clock)
    with pytest.raises(NotFound):
        invoice_by_id(rows, issued.id, buyer_id=customer.id + 1)


def test_the_platforms_books_are_apart_from_the_resellers(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    set_terms(rows, replace(TERMS, number_format=f"{rows.info['reseller'].key}-{{number}}"))
    issued = issue_invoice(rows, draft(customer), clock=clock)
    rows.commit()
    assert issued.number not in {one.number for one in invoices_in(db.session())}
