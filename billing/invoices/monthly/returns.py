"""Credit notes for what went back to the buyer after it was billed: card payments, and overage that was never tried."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.invoices.document import Document, Line
from billing.invoices.models import InvoiceRow
from billing.invoices.monthly.overage import overage_by_source
from billing.invoices.queries import credit_left, document_of, invoice_by_id, invoices_of_items
from billing.invoices.sending.services import ask_to_send
from billing.invoices.services import Issued, credit_note, record_payment
from billing.money import Money, net_within
from billing.payments.models import Dispute, Payment
from billing.payments.states import DisputeState
from platform_core.clock import Clock
from tenants.models import Account

REASON = "Refunded"
UNTRIED = "Given back: never tried, or priced lower"


@dataclass(frozen=True, slots=True)
class Returned:
    """A payment of which a part is gone again for good; `kept` (minor units, VAT included) is what is left."""

    source: str
    kept: int


def credit_returns(
    books: Session, rows: Session, account: Account, buyer_id: int, *, clock: Clock
) -> list[Issued]:
    """Take back what was billed and then refunded, or lost in a dispute, as far as no credit note has; the caller commits.

    So it is with overage that counts for less by now. `books` is the seller's session, `rows` is inside the reseller.
    """
    returns = _returns(rows, account)
    billed = _billed_lines(books, buyer_id, [one.source for one in returns])
    found = [
        _credit_returned(books, line, one, clock=clock) for one in returns if (line := billed.get(one.source))
    ]
    worth = overage_by_source(rows, account)
    found += [
        _credit(books, line, line.line.net - worth[source], UNTRIED, clock=clock)
        for source, line in _billed_lines(books, buyer_id, list(worth)).items()
    ]
    return [note for note in found if note]


@dataclass(frozen=True, slots=True)
class _BilledLine:
    """A line of an invoice that stands, with the paper it is on."""

    row: InvoiceRow
    document: Document
    line: Line


def _billed_lines(books: Session, buyer_id: int, sources: Sequence[str]) -> dict[str, _BilledLine]:
    """The lines that the sources were billed with; those not billed yet are left out."""
    billed = invoices_of_items(books, buyer_id, sources)
    return {source: _billed_line(books, invoice_id, source) for source, invoice_id in billed.items()}


def _billed_line(books: Session, invoice_id: int, source: str) -> _BilledLine:
    row = invoice_by_id(books, invoice_id)
    document = document_of(row)
    return _BilledLine(row, document, next(line for line in document.lines if line.source == source))


def _credit_returned(
    books: Session, billed: _BilledLine, returned: Returned, *, clock: Clock
) -> Issued | None:
    """The buyer has its money again: nothing else on the invoice is paid by this credit note."""
    note = _credit(books, billed, _too_much(billed, returned), REASON, clock=clock)
    if note:
        money = Money(-note.document.due, note.document.currency)
        record_payment(books, billed.row.id, money, reference=f"refunded: {note.number}", clock=clock)
    return note


def _too_much(billed: _BilledLine, returned: Returned) -> int:
    """Of the line, net. What had gone back when it was billed is not in it."""
    return billed.line.net - net_within(returned.kept, billed.document.vat_basis_points)


def _credit(books: Session, billed: _BilledLine, back: int, reason: str, *, clock: Clock) -> Issued | None:
    """Bring what is credited of a line to `back`, net; None where it has been."""
    line = billed.line
    credited = line.net - credit_left(books, billed.row)[line.position]
    missing = min(back, line.net) - credited
    if missing <= 0:
        return None
    note = credit_note(books, billed.row.id, reason=reason, clock=clock, amounts={line.position: missing})
    if billed.document.buyer.email:
        ask_to_send(books, note.id, clock=clock)
    return note


def _returns(rows: Session, account: Account) -> list[Returned]:
    lost = (
        select(func.coalesce(func.sum(Dispute.amount), 0))
        .where(Dispute.payment_id == Payment.id, Dispute.state == DisputeState.LOST)
        .scalar_subquery()
    )
    gone = func.least(Payment.refunded + lost, Payment.paid)
    query = select(Payment.id, Payment.paid - gone).where(Payment.account_id == account.id, gone > 0)
    return [Returned(f"payment:{payment_id}", int(kept)) for payment_id, kept in rows.execute(query)]
