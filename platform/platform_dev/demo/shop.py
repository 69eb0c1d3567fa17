"""The demo's shop: the platform's price list, and an agency whose customers can pay it."""

import http.client

from sqlalchemy.orm import Session

from billing.money import Money
from billing.payments.connecting import start_connecting
from billing.payments.ip_prices import set_ip_price
from billing.payments.price_list import PriceLine, price_lines, set_price_line
from billing.payments.purchases import Good
from billing.payments.queries import ip_price_of, seller_of
from billing.payments.till import Till
from billing.prices.queries import list_price
from billing.prices.services import set_price
from platform_core.clock import Clock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import FrankpostError
from platform_core.settings import Settings
from platform_dev.demo import layout as demo
from platform_dev.demo.books import CUSTOMERS_PAY_FOR_CREDITS
from platform_dev.demo.layout import Layout
from platform_dev.ports import LOOPBACK
from tenants.accounts.queries import main_account

_PLATFORM_PRICES = (
    (Good.CREDITS, 1, 200),
    (Good.CREDITS, 100_000, 150),
    (Good.CREDITS, 1_000_000, 100),
    (Good.DEDICATED_IP, 1, 4000),
)
_CUSTOMERS_PAY_FOR_AN_IP = 6000


def open_shop(settings: Settings, layout: Layout, reseller: ResellerRef, clock: Clock) -> None:
    """Give everything a price that has none, and connect the agency's account. Needs an application context."""
    currency = settings.billing_currency
    _price_for_resellers(currency)
    with tenant_session(reseller) as session:
        _price_for_customers(session, currency, clock)
        session.commit()
    if settings.stripe_api_base == layout.payment_server:
        _connect(layout, reseller, Till.from_settings(settings, clock))


def _price_for_resellers(currency: str) -> None:
    for good, from_units, amount in _PLATFORM_PRICES:
        if any(line.from_units == from_units for line in price_lines(None, good, currency)):
            continue
        set_price_line(db.session(), None, PriceLine(good, from_units, Money(amount, currency)))
    db.session.commit()


def _price_for_customers(session: Session, currency: str, clock: Clock) -> None:
    main = main_account(session)
    if list_price(session) is None:
        set_price(session, main, Money(CUSTOMERS_PAY_FOR_CREDITS, currency), clock=clock)
    if ip_price_of(session, main) is None:
        set_ip_price(session, main, Money(_CUSTOMERS_PAY_FOR_AN_IP, currency), clock=clock)


def _connect(layout: Layout, reseller: ResellerRef, till: Till) -> None:
    """As the agency's owner does it: begin here, say at the payment service who it is; the event does the rest."""
    with tenant_session(reseller) as session:
        known = seller_of(session)
    if known is not None and known.charges_enabled:
        return
    here = layout.url(demo.PORTAL_HOST)
    page = start_connecting(reseller, till=till, currency=till.currency, back_to=here, again=here)
    connection = http.client.HTTPConnection(LOOPBACK, layout.ports.payments, timeout=20)
    try:
        connection.request("POST", page.removeprefix(layout.payment_server))
        if connection.getresponse().status >= 400:
            raise FrankpostError("The agency's account at the payment server can't be connected.")
    finally:
        connection.close()
