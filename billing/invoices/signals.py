"""News about invoices, for the folders above. Sent after the commit, so that whoever hears it finds it in the database."""

from blinker import Signal
from sqlalchemy import event
from sqlalchemy.orm import Session

from billing.invoices.models import InvoiceRow

invoice_issued = Signal(
    "An invoice or a credit note stands: sent with the reseller whose books it is in (None: the platform's), and `invoice_id`."
)
invoice_paid = Signal("Money came for an invoice, perhaps not all of it: sent as `invoice_issued` is.")


def announce_invoice(session: Session, row: InvoiceRow, signal: Signal) -> None:
    """Let `signal` be heard once `session` has committed."""
    reseller, invoice_id = session.info.get("reseller"), row.id

    @event.listens_for(session, "after_commit", once=True)
    def send(_session: Session) -> None:
        signal.send(reseller, invoice_id=invoice_id)
