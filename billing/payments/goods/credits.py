"""Credits: the platform makes them for a reseller's stock; a customer's come out of that stock."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.ledger.models import CreditLot, LotOrigin
from billing.ledger.services import MOST_CREDITS, grant_credits, revoke_bought
from billing.ledger.transfers import hand_over, take_back
from billing.money import Money
from billing.payments.goods.shelf import Delivered, Order, TakenBack
from billing.payments.price_list import line_for, price_lines
from billing.payments.purchases import Good, Purchase, Quote
from billing.prices.queries import price_of
from platform_core.database import ResellerRef
from platform_core.errors import InvalidInput, NotForSale
from tenants.accounts.queries import main_account
from tenants.models import Account


class Credits:
    """One credit a unit."""

    def quote(self, session: Session, account: Account, purchase: Purchase, currency: str) -> Quote:
        if not 0 < purchase.units <= MOST_CREDITS:
            raise InvalidInput("credits", "The number of credits must be at least 1.")
        price = (
            _platform_price(session, purchase.units, currency)
            if account.is_main
            else _reseller_price(session, account, purchase.units)
        )
        return Quote(purchase, price, f"{purchase.units:,} e-mail credits")

    def deliver(self, order: Order) -> Delivered:
        return self._give(order, order.payment.units)

    def take_back(self, order: Order, units: int) -> TakenBack:
        lots = order.payment.lots
        note = _note(order)
        if order.account.is_main:
            revoked = revoke_bought(order.session, lots, units, clock=order.clock, note=note)
            return TakenBack(revoked.taken, revoked.missing)
        taken = min(units, _unspent(order))
        if taken:
            stock = main_account(order.session)
            take_back(order.session, order.account, stock, taken, clock=order.clock, note=note, out_of=lots)
        return TakenBack(taken, units - taken)

    def give_again(self, order: Order, units: int) -> Delivered:
        return self._give(order, units)

    def _give(self, order: Order, units: int) -> Delivered:
        session, clock, note = order.session, order.clock, _note(order)
        if order.account.is_main:
            granted = grant_credits(
                session,
                order.account,
                units,
                clock=clock,
                note=note,
                origin=LotOrigin.BOUGHT,
                cost=order.worth(units),
            )
            return Delivered((granted.lot_id,))
        handed = hand_over(session, main_account(session), order.account, units, clock=clock, note=note)
        return Delivered(tuple(part.customer_lot for part in handed.parts))


def _platform_price(session: Session, units: int, currency: str) -> Money:
    reseller: ResellerRef = session.info["reseller"]
    return line_for(price_lines(reseller, Good.CREDITS, currency), units).of(units)


def _reseller_price(session: Session, account: Account, units: int) -> Money:
    price = price_of(session, account)
    asked = price.of(units) if price else None
    if asked is None or asked.amount <= 0:
        raise NotForSale("There is no price for credits.")
    stock = _spendable(session, main_account(session))
    if stock < units:
        # Not how many there are: that is the reseller's affair.
        raise NotForSale("So many credits are not available at the moment; please ask your provider.")
    return asked


def _spendable(session: Session, account: Account) -> int:
    query = select(func.coalesce(func.sum(CreditLot.remaining), 0)).where(
        CreditLot.account_id == account.id, CreditLot.expires_at > func.now()
    )
    return int(session.scalar(query) or 0)


def _unspent(order: Order) -> int:
    """What the lots of this payment still hold."""
    query = select(func.coalesce(func.sum(CreditLot.remaining), 0)).where(
        CreditLot.id.in_(order.payment.lots), CreditLot.expires_at > order.clock.now()
    )
    return int(order.session.scalar(query) or 0)


def _note(order: Order) -> str:
    return f"Payment {order.payment.id}"
