"""Credit notes for card payments that went back to the buyer after they were billed."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.invoices.queries import credit_left, document_of, invoice_by_id, invoices_of_items
from billing.invoices.sending.services import ask_to_send
from billing.invoices.services import Issued, credit_note
from billing.money import net_within
from billing.payments.models import Dispute, Payment
from billing.payments.states import DisputeState
from platform_core.clock import Clock
from tenants.models import Account

REASON = "Refunded"


@dataclass(frozen=True, slots=True)
class Returned:
    """A payment of which `amount` (minor units, VAT included) is gone again for good."""

    source: str
    amount: int


def credit_returns(
    books: Session, rows: Session, account: Account, buyer_id: int, *, clock: Clock
) -> list[Issued]:
    """Take back what was billed and then refunded, or lost in a dispute, as far as no credit note has; the caller commits.

    `books` is the seller's session, `rows` is inside the reseller.
    """
    returns = _returns(rows, account)
    billed = invoices_of_items(books, buyer_id, [one.source for one in returns])
    return [
        note
        for one in returns
        if one.source in billed and (note := _credit(books, billed[one.source], one, clock=clock))
    ]


def _credit(books: Session, invoice_id: int, returned: Returned, *, clock: Clock) -> Issued | None:
    row = invoice_by_id(books, invoice_id)
    document = document_of(row)
    line = next(line for line in document.lines if line.source == returned.source)
    credited = line.net - credit_left(books, row)[line.position]
    missing = min(net_within(returned.amount, document.vat_basis_points), line.net) - credited
    if missing <= 0:
        return None
    note = credit_note(books, invoice_id, reason=REASON, clock=clock, amounts={line.position: missing})
    if document.buyer.email:
        ask_to_send(books, note.id, clock=clock)
    return note


def _returns(rows: Session, account: Account) -> list[Returned]:
    lost = (
        select(func.coalesce(func.sum(Dispute.amount), 0))
        .where(Dispute.payment_id == Payment.id, Dispute.state == DisputeState.LOST)
        .scalar_subquery()
    )
    gone = func.least(Payment.refunded + lost, Payment.paid)
    query = select(Payment.id, gone).where(Payment.account_id == account.id, gone > 0)
    return [Returned(f"payment:{payment_id}", int(amount)) for payment_id, amount in rows.execute(query)]
