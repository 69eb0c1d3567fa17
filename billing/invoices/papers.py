"""The paper of an issued invoice: made once, kept, and the same bytes ever after."""

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.invoices.books import books_of
from billing.invoices.models import InvoiceRow
from billing.invoices.queries import document_of, invoice_by_id


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF to be downloaded or attached."""

    file_name: str
    content: bytes
    media_type: str = "application/pdf"


def paper_of(session: Session, invoice_id: int, *, buyer_id: int | None = None) -> Paper:
    """The PDF, with `buyer_id` only if it is that buyer's; the caller commits, since the first call makes it.

    Raises NotFound.
    """
    row = invoice_by_id(session, invoice_id, buyer_id=buyer_id)
    return Paper(file_name_of(row.number), _kept(session, row) or _made(session, row))


def file_name_of(number: str) -> str:
    """The number as a file's name, on every system."""
    return f"{re.sub(r'[^0-9A-Za-z._-]+', '-', number).strip('.-') or 'invoice'}.pdf"


def _kept(session: Session, row: InvoiceRow) -> bytes | None:
    table = books_of(session).pdf
    return session.scalar(select(table.pdf).where(table.invoice_id == row.id))


def _made(session: Session, row: InvoiceRow) -> bytes:
    # Here, because it brings Pango along, which processes that make no papers can do without.
    from billing.invoices.pdf import invoice_pdf

    table = books_of(session).pdf
    new = insert(table).values(invoice_id=row.id, pdf=invoice_pdf(document_of(row)))
    session.execute(new.on_conflict_do_nothing())
    kept = _kept(session, row)  # whoever else made it at the same time was first
    assert kept is not None
    return kept
