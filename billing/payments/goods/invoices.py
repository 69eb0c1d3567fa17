"""Invoices: what is open of one is paid. A customer's is in its reseller's books, a reseller's in the platform's.

A payment that goes back as a whole, or is disputed, leaves its invoice open again. A part that is refunded is a reduction of
the price: a credit note says so, and nothing becomes due.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.invoices.books import books_of
from billing.invoices.queries import invoice_by_id, open_amount
from billing.invoices.sending.services import ask_to_send
from billing.invoices.services import credit_part, record_payment
from billing.money import Money
from billing.payments.goods.shelf import Delivered, Order, TakenBack
from billing.payments.models import Payment
from billing.payments.purchases import Good, Purchase, Quote
from platform_core.clock import Clock
from platform_core.database import ResellerRef, db
from platform_core.errors import NotForSale, NotFound
from tenants.models import Account

REASON = "Refunded"


class Invoices:
    """One invoice a unit; the item says which. Books that are not open from here are written by `keep_invoice` later."""

    def quote(self, session: Session, account: Account, purchase: Purchase, currency: str) -> Quote:
        if purchase.units != 1 or not purchase.item.isdigit():
            raise NotFound("There is no such invoice.")
        if not account.is_main:
            return _quote(session, purchase, buyer_id=account.id)
        reseller: ResellerRef = session.info["reseller"]
        with Session(db.engine) as platform:
            return _quote(platform, purchase, buyer_id=reseller.id)

    def deliver(self, order: Order) -> Delivered:
        if not order.account.is_main:
            _write(order.session, order.payment, order.payment.asked, "paid", order.clock)
        return Delivered()

    def take_back(self, order: Order, units: int) -> TakenBack:
        if not order.account.is_main:
            _take_back(order.session, order.payment, order.clock)
        return TakenBack(units, 0)

    def give_again(self, order: Order, units: int) -> Delivered:
        if not order.account.is_main:
            back = -_written(order.session, order.payment, "returned")
            _write(order.session, order.payment, back, "paid again", order.clock)
        return Delivered()


def keep_platform_invoice(session: Session, payment: Payment, *, clock: Clock) -> None:
    """Let the platform's books (its session) say what a reseller has paid. Doing it again changes nothing.

    The caller has made sure that it is the platform that was paid.
    """
    if payment.good != Good.INVOICE or not payment.delivered:
        return
    _write(session, payment, payment.asked, "paid", clock)
    credit_refunded_part(session, payment, clock=clock)
    if payment.taken_back:
        _take_back(session, payment, clock)


def credit_refunded_part(books: Session, payment: Payment, *, clock: Clock) -> None:
    """Of what was refunded of an invoice's payment, credit what is new: once, however often it is told.

    Nothing where all of it was refunded at once, which undoes the payment. Where a credit note was written by hand before
    the money went back, there is none to be added.
    """
    if payment.good != Good.INVOICE or not payment.delivered:
        return
    told = -_written(books, payment, "refunded")
    part = payment.refunded - told
    whole = told == 0 and payment.refunded >= payment.paid
    if part <= 0 or whole:
        return
    _write(books, payment, -part, f"refunded up to {payment.refunded}", clock)
    row = invoice_by_id(books, int(payment.item))
    reduced = min(part, open_amount(books, row))
    if reduced <= 0:
        return
    note = credit_part(
        books,
        row.id,
        reduced,
        reason=REASON,
        reference=f"refund:{payment.id}/{payment.refunded}",
        clock=clock,
    )
    if note.document.buyer.email:
        ask_to_send(books, note.id, clock=clock)


def _take_back(books: Session, payment: Payment, clock: Clock) -> None:
    """What no refund of a part has taken."""
    left = payment.asked + _written(books, payment, "refunded")
    _write(books, payment, -left, "returned", clock)


def _quote(session: Session, purchase: Purchase, *, buyer_id: int) -> Quote:
    row = invoice_by_id(session, int(purchase.item), buyer_id=buyer_id)
    left = open_amount(session, row)
    if left <= 0:
        raise NotForSale("Nothing of this invoice is open.")
    return Quote(purchase, Money(left, row.currency), f"Invoice {row.number}")


def _write(books: Session, payment: Payment, amount: int, what: str, clock: Clock) -> None:
    if amount:
        money = Money(amount, payment.currency)
        record_payment(books, int(payment.item), money, reference=f"{what}: {payment.id}", clock=clock)


def _written(books: Session, payment: Payment, what: str) -> int:
    """What the books say of it: minor units, below zero where it went back."""
    table = books_of(books).payment
    sums = select(func.coalesce(func.sum(table.amount), 0)).where(
        table.invoice_id == int(payment.item), table.reference.like(f"{what}%: {payment.id}")
    )
    return int(books.scalar(sums) or 0)
