"""Invoices: what is open of one is paid. A customer's is in its reseller's books, a reseller's in the platform's."""

from sqlalchemy.orm import Session

from billing.invoices.queries import invoice_by_id, open_amount
from billing.invoices.services import record_payment
from billing.money import Money
from billing.payments.goods.shelf import Delivered, Order, TakenBack
from billing.payments.models import Payment
from billing.payments.purchases import Good, Purchase, Quote
from platform_core.clock import Clock
from platform_core.database import ResellerRef, db
from platform_core.errors import NotForSale, NotFound
from tenants.models import Account


class Invoices:
    """One invoice a unit; the item says which. A part given back leaves it paid: that is a matter for a credit note."""

    def quote(self, session: Session, account: Account, purchase: Purchase, currency: str) -> Quote:
        if purchase.units != 1 or not purchase.item.isdigit():
            raise NotFound("There is no such invoice.")
        if not account.is_main:
            return _quote(session, purchase, buyer_id=account.id)
        reseller: ResellerRef = session.info["reseller"]
        with Session(db.engine) as platform:
            return _quote(platform, purchase, buyer_id=reseller.id)

    def deliver(self, order: Order) -> Delivered:
        self._note(order, order.payment.asked, "paid")
        return Delivered()

    def take_back(self, order: Order, units: int) -> TakenBack:
        self._note(order, -order.payment.asked, "returned")
        return TakenBack(units, 0)

    def give_again(self, order: Order, units: int) -> Delivered:
        self._note(order, order.payment.asked, "paid again")
        return Delivered()

    def _note(self, order: Order, amount: int, what: str) -> None:
        """In the reseller's books. The platform's are not open from here; `keep_platform_invoice` writes there."""
        if not order.account.is_main:
            _write(order.session, order.payment, amount, what, order.clock)


def keep_platform_invoice(session: Session, payment: Payment, *, clock: Clock) -> None:
    """Let the platform's books (its session) say what a reseller has paid. Doing it again changes nothing.

    The caller has made sure that it is the platform that was paid.
    """
    if payment.good != Good.INVOICE or not payment.delivered:
        return
    _write(session, payment, payment.asked, "paid", clock)
    if payment.taken_back:
        _write(session, payment, -payment.asked, "returned", clock)


def _quote(session: Session, purchase: Purchase, *, buyer_id: int) -> Quote:
    row = invoice_by_id(session, int(purchase.item), buyer_id=buyer_id)
    left = open_amount(session, row)
    if left <= 0:
        raise NotForSale("Nothing of this invoice is open.")
    return Quote(purchase, Money(left, row.currency), f"Invoice {row.number}")


def _write(session: Session, payment: Payment, amount: int, what: str, clock: Clock) -> None:
    money = Money(amount, payment.currency)
    record_payment(session, int(payment.item), money, reference=f"{what}: {payment.id}", clock=clock)
