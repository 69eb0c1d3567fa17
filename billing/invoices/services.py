"""Issuing invoices and credit notes; the caller commits. What is issued is never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.invoices.books import books_of
from billing.invoices.document import (
    Bank,
    Correction,
    Document,
    DraftLine,
    InvoiceKind,
    Line,
    UsageRow,
    credited,
    lines_of,
    paid_of,
    rounding_of,
    to_json,
    totals_of,
)
from billing.invoices.models import InvoiceRow
from billing.invoices.numbering import format_number, series_of
from billing.invoices.numbers import lock_series, take_number
from billing.invoices.parties import Party
from billing.invoices.profiles.queries import Seller, seller_in, terms_in
from billing.invoices.queries import (
    already_billed,
    credit_left,
    document_of,
    invoice_by_id,
    invoice_for,
    open_amount,
)
from billing.invoices.signals import announce_invoice, invoice_issued, invoice_paid
from billing.invoices.vat import Sale, Vat, vat_on
from billing.money import Money, net_within, split_by
from platform_core.clock import Clock
from platform_core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An invoice to issue. `buyer_id`: an account of the reseller, or for the platform's invoices a reseller.

    `reference` says what it is for (`usage:2026-10`): a buyer gets one invoice for each. `vat`: as it was agreed; None:
    by the rules, for this buyer.
    """

    buyer_id: int
    buyer: Party
    lines: Sequence[DraftLine]
    usage: Sequence[UsageRow] = ()
    since: date | None = None
    until: date | None = None
    reference: str = ""
    vat: Vat | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """An invoice or credit note that stands. `fresh`: made now, not found as made before."""

    id: int
    number: str
    document: Document
    fresh: bool


def issue_invoice(session: Session, draft: Draft, *, clock: Clock) -> Issued:
    """Issue an invoice under the next number of the session's seller; lines that are billed already are left out.

    With a `reference` that has an invoice that one is returned. Locks the seller's series until the transaction ends.
    Raises TaxProfileMissing; InvalidInput when nothing is left to bill.
    """
    seller = seller_in(session)
    today = _today(seller, clock)
    series = series_of(InvoiceKind.INVOICE, seller.terms.number_format, today)
    lock_series(session, series, today)
    earlier = draft.reference and invoice_for(session, draft.buyer_id, draft.reference)
    if earlier:
        return Issued(earlier.id, earlier.number, document_of(earlier), fresh=False)
    billed = already_billed(session, draft.buyer_id, [line.source for line in draft.lines])
    lines = [line for line in draft.lines if line.source not in billed]
    if not lines:
        raise InvalidInput("lines", "There is nothing to bill.")
    document = _invoice(seller, replace(draft, lines=lines), today)
    issued = _enter(session, document, series, draft.buyer_id, clock.now(), reference=draft.reference)
    _mark_billed(session, draft.buyer_id, lines, issued.id)
    return issued


def vat_by_rules(session: Session, buyer: Party, *, until: date, clock: Clock) -> Vat:
    """What an invoice of the session's seller would bear that ended on that day. Raises TaxProfileMissing and NotFound."""
    seller = seller_in(session)
    return _vat_by_rules(seller, buyer, until, _today(seller, clock))


def credit_note(
    session: Session,
    invoice_id: int,
    *,
    reason: str,
    clock: Clock,
    amounts: Mapping[int, int] | None = None,
) -> Issued:
    """Take an invoice back, as far as earlier credit notes have not: whole, or by `amounts` (net, for each position).

    What it billed is not billed again. Locks the seller's series of credit notes. Raises NotFound, and InvalidInput
    without a reason or for more than is left.
    """
    return _credit(session, invoice_id, _Reduction(reason, amounts), clock)


def credit_part(
    session: Session, invoice_id: int, gross: int, *, reason: str, reference: str, clock: Clock
) -> Issued:
    """Take so much of an invoice back, VAT included, off its lines in proportion to what is left of them.

    Once for each `reference`: later it is found. Locks as `credit_note`. Raises NotFound, and InvalidInput where nothing
    is left.
    """
    row = invoice_by_id(session, invoice_id)
    earlier = invoice_for(session, row.buyer_id, reference)
    if earlier:
        return Issued(earlier.id, earlier.number, document_of(earlier), fresh=False)
    left = {position: net for position, net in credit_left(session, row).items() if net > 0}
    if not left:
        raise InvalidInput("amounts", "Nothing of this invoice is left to take back.")
    net = min(net_within(gross, document_of(row).vat_basis_points), sum(left.values()))
    parts = zip(left, split_by(net, tuple(left.values())), strict=True)
    amounts = {position: part for position, part in parts if part}
    return _credit(session, invoice_id, _Reduction(reason, amounts, gross, reference), clock)


@dataclass(frozen=True, slots=True)
class _Reduction:
    """What a credit note takes back; `amounts` as in `credit_note`.

    `gross` (minor units, VAT included): what it is to come to, where that differs from the lines by rounding.
    """

    reason: str
    amounts: Mapping[int, int] | None
    gross: int | None = None
    reference: str = ""


def _credit(session: Session, invoice_id: int, wanted: _Reduction, clock: Clock) -> Issued:
    if not wanted.reason.strip():
        raise InvalidInput("reason", "A credit note says why it is given.")
    seller = seller_in(session)
    today = _today(seller, clock)
    series = series_of(InvoiceKind.CREDIT_NOTE, seller.terms.credit_format, today)
    lock_series(session, series, today)
    row = invoice_by_id(session, invoice_id)
    if row.kind != InvoiceKind.INVOICE:
        raise InvalidInput("invoice", "A credit note can't be taken back; issue an invoice instead.")
    original = document_of(row)
    lines = _credited_lines(original, credit_left(session, row), wanted.amounts)
    correction = Correction(original.number, original.issue_date, wanted.reason.strip())
    document = _rounded_to(wanted.gross, _credit_document(original, lines, correction, today))
    return _enter(
        session,
        document,
        series,
        row.buyer_id,
        clock.now(),
        corrects_id=row.id,
        reference=wanted.reference,
    )


@dataclass(frozen=True, slots=True)
class PaidIn:
    """Money that came for an invoice: what is open after it, and whether it was news."""

    open: Money
    written: bool


def record_payment(
    session: Session, invoice_id: int, money: Money, *, reference: str, clock: Clock
) -> PaidIn:
    """Write down that an invoice was paid, or a part of it, once for each `reference`; a negative amount goes back.

    Raises NotFound, and InvalidInput for nothing, another currency, or a credit note.
    """
    row = invoice_by_id(session, invoice_id)
    if row.kind != InvoiceKind.INVOICE or money.currency != row.currency or not money.amount or not reference:
        raise InvalidInput("amount", f"Pay an invoice in {row.currency}, and name the payment.")
    payment = books_of(session).payment
    new = insert(payment).values(invoice_id=row.id, reference=reference, amount=money.amount, at=clock.now())
    written = session.scalar(new.on_conflict_do_nothing().returning(payment.invoice_id)) is not None
    if written:
        announce_invoice(session, row, invoice_paid)
    return PaidIn(Money(open_amount(session, row), row.currency), written)


def _today(seller: Seller, clock: Clock) -> date:
    return clock.now().astimezone(ZoneInfo(seller.time_zone)).date()


def _vat_by_rules(seller: Seller, buyer: Party, until: date | None, today: date) -> Vat:
    """At the rate of the last day billed: what is sold by the month is supplied at its end (Directive 2006/112/EC,
    article 64).
    """
    decides = min(until, today) if until else today
    return vat_on(Sale(seller.party, buyer, decides, seller.terms.one_stop_shop))


def _invoice(seller: Seller, draft: Draft, today: date) -> Document:
    """Still without its number."""
    vat = draft.vat or _vat_by_rules(seller, draft.buyer, draft.until, today)
    lines = lines_of(draft.lines, vat)
    totals = totals_of([line.net for line in lines], vat)
    terms = seller.terms
    return Document(
        kind=InvoiceKind.INVOICE,
        number="",
        issue_date=today,
        due_date=today + timedelta(days=terms.payment_days),
        currency=terms.currency,
        seller=seller.party,
        buyer=draft.buyer,
        bank=Bank(holder=terms.account_holder, iban=terms.iban, bic=terms.bic, name=terms.bank_name),
        look=seller.look,
        lines=lines,
        usage=tuple(draft.usage),
        vat_category=vat.category,
        vat_basis_points=vat.basis_points,
        vat_note=vat.note,
        net=totals.net,
        tax=totals.tax,
        paid=paid_of(draft.lines),
        rounding=rounding_of(draft.lines, vat),
        since=draft.since,
        until=draft.until,
    )


def _credit_document(
    original: Document, lines: Sequence[Line], correction: Correction, today: date
) -> Document:
    """In the words and with the VAT of the invoice that it corrects."""
    vat = Vat(original.vat_category, original.vat_basis_points, original.vat_note)
    totals = totals_of([line.net for line in lines], vat)
    return replace(
        original,
        kind=InvoiceKind.CREDIT_NOTE,
        number="",
        issue_date=today,
        due_date=today,
        lines=tuple(lines),
        usage=(),
        net=totals.net,
        tax=totals.tax,
        paid=0,
        rounding=0,
        corrects=correction,
    )


def _rounded_to(due: int | None, document: Document) -> Document:
    """A part of a gross amount has no net amount that comes to it again, always: what is missing is rounding (BT-114)."""
    missing = 0 if due is None else due - document.gross
    return replace(document, rounding=missing) if abs(missing) <= 1 else document


def _credited_lines(
    original: Document, left: Mapping[int, int], amounts: Mapping[int, int] | None
) -> list[Line]:
    """Raises InvalidInput for a position that isn't there, or more than is left of it."""
    wanted = {position: net for position, net in left.items() if net} if amounts is None else amounts
    for position, net in wanted.items():
        if not 0 < net <= left.get(position, 0):
            raise InvalidInput(
                "amounts", f"Of line {position} no more than {left.get(position, 0)} can be taken back."
            )
    if not wanted:
        raise InvalidInput("amounts", "Nothing of this invoice is left to take back.")
    return [credited(line, wanted[line.position]) for line in original.lines if line.position in wanted]


def _enter(
    session: Session,
    document: Document,
    series: str,
    buyer_id: int,
    now: datetime,
    *,
    reference: str = "",
    corrects_id: int | None = None,
) -> Issued:
    """Number the paper and write it down."""
    taken = take_number(session, series, document.issue_date)
    document = _numbered(session, document, taken.number, taken.on)
    row: InvoiceRow = books_of(session).invoice(
        buyer_id=buyer_id,
        kind=document.kind,
        number=document.number,
        series=series,
        series_number=taken.number,
        reference=reference,
        corrects_id=corrects_id,
        issued_at=now,
        issue_date=document.issue_date,
        due_date=document.due_date,
        currency=document.currency,
        net=document.net,
        tax=document.tax,
        gross=document.gross,
        paid=document.paid,
        due=document.due,
        document=to_json(document),
    )
    session.add(row)
    session.flush()
    announce_invoice(session, row, invoice_issued)
    return Issued(row.id, row.number, document, fresh=True)


def _numbered(session: Session, document: Document, number: int, on: date) -> Document:
    terms = terms_in(session)
    assert terms is not None  # whoever has a seller has terms
    is_invoice = document.kind == InvoiceKind.INVOICE
    text = terms.number_format if is_invoice else terms.credit_format
    # Midnight may have passed for whoever had the lock before us: then the days still follow the numbers.
    later = on - document.issue_date
    return replace(
        document,
        number=format_number(text, number, on),
        issue_date=on,
        due_date=document.due_date + later,
    )


def _mark_billed(session: Session, buyer_id: int, lines: Sequence[DraftLine], invoice_id: int) -> None:
    item = books_of(session).item
    session.add_all(
        item(buyer_id=buyer_id, source=line.source, invoice_id=invoice_id) for line in lines if line.source
    )
    session.flush()
