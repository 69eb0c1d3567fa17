"""Dedicated IPs: the first month is paid at the checkout, the months after it come out of the wallet."""

from sqlalchemy.orm import Session

from billing.money import Money
from billing.payments.goods.shelf import Delivered, Order, TakenBack
from billing.payments.models import IpPrice
from billing.payments.price_list import line_for, price_lines
from billing.payments.purchases import Good, Purchase, Quote
from billing.rentals.handed_on import require_cost_paid
from billing.rentals.services import begin_rental, reduce_rental, regain_rental, require_ip_room
from platform_core.database import ResellerRef
from platform_core.errors import InvalidInput, NotForSale
from tenants.accounts.queries import main_account
from tenants.models import Account

MOST_IPS = 64


class DedicatedIps:
    """One address a unit. What staff see of it is the platform's row; see `billing.payments.orders`."""

    def quote(self, session: Session, account: Account, purchase: Purchase, currency: str) -> Quote:
        if not 0 < purchase.units <= MOST_IPS:
            raise InvalidInput("addresses", f"At most {MOST_IPS} addresses can be ordered at once.")
        require_ip_room(session, account, purchase.units)
        if not account.is_main:
            require_cost_paid(session)
        price = (
            _platform_price(session, purchase.units, currency)
            if account.is_main
            else _reseller_price(session, account, purchase.units)
        )
        words = "Dedicated IP" if purchase.units == 1 else f"{purchase.units} dedicated IPs"
        return Quote(purchase, price, f"{words}, one month")

    def deliver(self, order: Order) -> Delivered:
        payment = order.payment
        price = order.worth(payment.units)
        begin_rental(order.session, order.account, payment.id, payment.units, price, clock=order.clock)
        return Delivered()

    def take_back(self, order: Order, units: int) -> TakenBack:
        fewer = reduce_rental(order.session, order.payment.id, units, clock=order.clock)
        return TakenBack(fewer, units - fewer)

    def give_again(self, order: Order, units: int) -> Delivered:
        regain_rental(order.session, order.payment.id, units, clock=order.clock)
        return Delivered()


def _platform_price(session: Session, units: int, currency: str) -> Money:
    reseller: ResellerRef = session.info["reseller"]
    return line_for(price_lines(reseller, Good.DEDICATED_IP, currency), units).of(units)


def _reseller_price(session: Session, account: Account, units: int) -> Money:
    row = session.get(IpPrice, account.id) or session.get(IpPrice, main_account(session).id)
    if row is None:
        raise NotForSale("There is no price for dedicated IPs.")
    return Money(row.amount * units, row.currency)
