"""Reads of invoices: in a reseller's session those to its accounts, otherwise the platform's to its resellers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from billing.invoices.books import books_of
from billing.invoices.document import Document, InvoiceKind, from_json
from billing.invoices.models import InvoiceRow
from billing.money import Money
from platform_core.errors import NotFound


@dataclass(frozen=True, slots=True)
class ListedInvoice:
    """An invoice in a list. `credited` is what credit notes took back of it, VAT included; `sent_at` its last e-mail."""

    id: int
    buyer_id: int
    kind: InvoiceKind
    number: str
    issue_date: date
    due_date: date
    gross: Money
    due: Money
    credited: Money
    sent_at: datetime | None
    corrects_id: int | None


def invoices_in(session: Session, *, buyer_id: int | None = None, most: int = 100) -> list[ListedInvoice]:
    """The newest first, of one buyer or of all."""
    invoice = books_of(session).invoice
    query = select(invoice).order_by(invoice.id.desc()).limit(most)
    if buyer_id is not None:
        query = query.where(invoice.buyer_id == buyer_id)
    rows: Sequence[InvoiceRow] = session.scalars(query).all()
    ids = [row.id for row in rows]
    credits, sendings = _credited(session, ids), _last_sent(session, ids)
    return [_listed(row, credits.get(row.id, 0), sendings.get(row.id)) for row in rows]


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


def _credited(session: Session, ids: Sequence[int]) -> dict[int, int]:
    invoice = books_of(session).invoice
    rows = session.execute(select(invoice.corrects_id, invoice.gross).where(invoice.corrects_id.in_(ids)))
    sums: dict[int, int] = {}
    for corrects_id, gross in rows:
        if corrects_id is not None:
            sums[corrects_id] = sums.get(corrects_id, 0) + gross
    return sums


def _last_sent(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    sending = books_of(session).sending
    rows = session.execute(
        select(sending.invoice_id, sending.sent_at)
        .where(sending.invoice_id.in_(ids), sending.sent_at.is_not(None))
        .order_by(sending.sent_at)
    )
    return {invoice_id: sent_at for invoice_id, sent_at in rows if sent_at is not None}


def _listed(row: InvoiceRow, credited: int, sent_at: datetime | None) -> ListedInvoice:
    return ListedInvoice(
        id=row.id,
        buyer_id=row.buyer_id,
        kind=InvoiceKind(row.kind),
        number=row.number,
        issue_date=row.issue_date,
        due_date=row.due_date,
        gross=Money(row.gross, row.currency),
        due=Money(row.gross - row.paid, row.currency),
        credited=Money(credited, row.currency),
        sent_at=sent_at,
        corrects_id=row.corrects_id,
    )
