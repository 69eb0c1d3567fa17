"""Sending invoices: asking for it, taking what is due, and writing down how it went; the caller commits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.invoices.books import books_of
from billing.invoices.models import SendingRow
from billing.invoices.queries import document_of, invoice_by_id
from platform_core.clock import Clock
from platform_core.errors import InvalidInput

# After a failure; then it is given up. Whoever took a letter and died over it is waited for as long as after the first.
WAITS = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=24),
    timedelta(hours=48),
)


@dataclass(frozen=True, slots=True)
class DueLetter:
    """An invoice that is to be sent now. `message_id` is the same at every try, and without a domain."""

    sending_id: int
    invoice_id: int
    send_to: str
    message_id: str


def ask_to_send(session: Session, invoice_id: int, *, clock: Clock, send_to: str = "") -> str:
    """Have an invoice e-mailed, once more if it was before; gives the address. Raises NotFound.

    To the buyer's address unless `send_to` is given; raises InvalidInput when there is neither.
    """
    row = invoice_by_id(session, invoice_id)
    address = send_to.strip() or document_of(row).buyer.email
    if "@" not in address or not address.isprintable() or " " in address:
        raise InvalidInput("send_to", "There is no e-mail address to send the invoice to.")
    now = clock.now()
    session.add(books_of(session).sending(invoice_id=row.id, send_to=address, asked_at=now, next_at=now))
    session.flush()
    return address


def take_due(session: Session, now: datetime, *, limit: int = 20) -> list[DueLetter]:
    """What is to be sent, taken so that no other process takes it meanwhile; commit before sending."""
    sending = books_of(session).sending
    rows = session.scalars(
        select(sending)
        .where(sending.next_at <= now)
        .order_by(sending.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.next_at = now + WAITS[0]
    session.flush()
    return [DueLetter(row.id, row.invoice_id, row.send_to, _message_id(row)) for row in rows]


def mark_sent(session: Session, letter: DueLetter, *, clock: Clock) -> None:
    """The relay has it."""
    row = _sending(session, letter)
    row.sent_at, row.next_at, row.problem = clock.now(), None, ""
    session.flush()


def mark_failed(session: Session, letter: DueLetter, problem: str, *, clock: Clock) -> None:
    """Try again later, or give up after the last of WAITS."""
    row = _sending(session, letter)
    row.next_at = clock.now() + WAITS[row.tries] if row.tries < len(WAITS) else None
    row.tries += 1
    row.problem = problem
    session.flush()


def _sending(session: Session, letter: DueLetter) -> SendingRow:
    return session.scalars(
        select(books_of(session).sending).where(books_of(session).sending.id == letter.sending_id)
    ).one()


def _message_id(row: SendingRow) -> str:
    """Another for each e-mail that was asked for, in whichever books."""
    return f"invoice-{row.invoice_id}-{row.id}-{int(row.asked_at.timestamp())}"
