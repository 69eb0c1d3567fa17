"""Reads of invoices: in a reseller's session those to its accounts, otherwise the platform's to its resellers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased, undefer

from billing.invoices.books import books_of
from billing.invoices.document import Document, InvoiceKind, from_json
from billing.invoices.models import InvoiceRow
from billing.money import Money
from platform_core.errors import NotFound


@dataclass(frozen=True, slots=True)
class ListedInvoice:
    """An invoice in a list. `open` is what is still to be paid: `due` less what came and what credit notes took back.

    `credited` is what those took, VAT included. `sent_at`: its last e-mail.
    """

    id: int
    buyer_id: int
    kind: InvoiceKind
    number: str
    issue_date: date
    due_date: date
    gross: Money
    due: Money
    credited: Money
    open: Money
    sent_at: datetime | None
    corrects_id: int | None


def invoices_in(session: Session, *, buyer_id: int | None = None, most: int = 100) -> list[ListedInvoice]:
    """The newest first, of one buyer or of all."""
    invoice = books_of(session).invoice
    query = select(invoice).order_by(invoice.id.desc()).limit(most)
    if buyer_id is not None:
        query = query.where(invoice.buyer_id == buyer_id)
    return _listed(session, session.scalars(query).all())


def unpaid_invoices(
    session: Session, *, due_before: date, buyer_id: int | None = None
) -> list[ListedInvoice]:
    """Invoices of which something is still open though they were due before that day, the longest due first."""
    invoice = books_of(session).invoice
    query = select(invoice).where(
        invoice.kind == InvoiceKind.INVOICE,
        invoice.due_date < due_before,
        invoice.due > _paid_sum(session) + _credited_sum(session),
    )
    if buyer_id is not None:
        query = query.where(invoice.buyer_id == buyer_id)
    return _listed(session, session.scalars(query.order_by(invoice.due_date, invoice.id)).all())


def open_amount(session: Session, row: InvoiceRow) -> int:
    """Minor units of it that are still to be paid; below zero when too much has come."""
    invoice = books_of(session).invoice
    left = invoice.due - _paid_sum(session) - _credited_sum(session)
    return int(session.scalar(select(left).where(invoice.id == row.id)) or 0)


def invoice_by_id(session: Session, invoice_id: int, *, buyer_id: int | None = None) -> InvoiceRow:
    """The invoice, with `buyer_id` only if it is that buyer's. Raises NotFound."""
    row = session.get(books_of(session).invoice, invoice_id)
    if row is None or buyer_id not in (None, row.buyer_id):
        raise NotFound("There is no such invoice.")
    return row


def invoice_numbered(session: Session, number: str) -> InvoiceRow:
    """Raises NotFound."""
    invoice = books_of(session).invoice
    row = session.scalar(select(invoice).where(invoice.number == number))
    if row is None:
        raise NotFound(f"There is no invoice {number}.")
    return row


def invoice_for(session: Session, buyer_id: int, reference: str) -> InvoiceRow | None:
    """The one invoice that a buyer has for a reference, if it has one."""
    invoice = books_of(session).invoice
    return session.scalar(select(invoice).where(invoice.buyer_id == buyer_id, invoice.reference == reference))


def document_of(row: InvoiceRow) -> Document:
    """The whole paper."""
    return from_json(row.document)


def already_billed(session: Session, buyer_id: int, sources: Sequence[str]) -> set[str]:
    """Those of the sources that an invoice to this buyer has had."""
    item = books_of(session).item
    wanted = [source for source in sources if source]
    return set(session.scalars(select(item.source).where(item.buyer_id == buyer_id, item.source.in_(wanted))))


def invoices_of_items(session: Session, buyer_id: int, sources: Sequence[str]) -> dict[str, int]:
    """The invoice that each of the sources was billed with; those not billed yet are left out."""
    item = books_of(session).item
    query = select(item.source, item.invoice_id).where(item.buyer_id == buyer_id, item.source.in_(sources))
    return {row.source: row.invoice_id for row in session.execute(query)}


def credit_left(session: Session, row: InvoiceRow) -> dict[int, int]:
    """What no credit note has taken back yet, net, for each position of the invoice."""
    invoice = books_of(session).invoice
    left = {line.position: line.net for line in document_of(row).lines}
    notes = session.scalars(
        select(invoice).where(invoice.corrects_id == row.id).options(undefer(invoice.document))
    )
    for note in notes:
        for line in document_of(note).lines:
            left[line.position] -= line.net
    return left


def _paid_sum(session: Session) -> ColumnElement[int]:
    """Of the invoice of the query around it."""
    books = books_of(session)
    sums = select(func.coalesce(func.sum(books.payment.amount), 0))
    return sums.where(books.payment.invoice_id == books.invoice.id).scalar_subquery()


def _credited_sum(session: Session) -> ColumnElement[int]:
    """Of the invoice of the query around it. `due` of a credit note is what it comes to, rounding included."""
    invoice = books_of(session).invoice
    note = aliased(invoice)
    sums = select(func.coalesce(func.sum(note.due), 0))
    return sums.where(note.corrects_id == invoice.id).scalar_subquery()


def _listed(session: Session, rows: Sequence[InvoiceRow]) -> list[ListedInvoice]:
    books = books_of(session)
    sent = (
        select(func.max(books.sending.sent_at))
        .where(books.sending.invoice_id == books.invoice.id)
        .scalar_subquery()
    )
    found = session.execute(
        select(books.invoice.id, _paid_sum(session), _credited_sum(session), sent).where(
            books.invoice.id.in_([row.id for row in rows])
        )
    )
    sums = {row_id: (int(paid), int(credited), sent_at) for row_id, paid, credited, sent_at in found}
    return [_one_listed(row, *sums[row.id]) for row in rows]


def _one_listed(row: InvoiceRow, paid: int, credited: int, sent_at: datetime | None) -> ListedInvoice:
    still_open = row.due - paid - credited if row.kind == InvoiceKind.INVOICE else 0
    return ListedInvoice(
        id=row.id,
        buyer_id=row.buyer_id,
        kind=InvoiceKind(row.kind),
        number=row.number,
        issue_date=row.issue_date,
        due_date=row.due_date,
        gross=Money(row.gross, row.currency),
        due=Money(row.due, row.currency),
        credited=Money(credited, row.currency),
        open=Money(still_open, row.currency),
        sent_at=sent_at,
        corrects_id=row.corrects_id,
    )
