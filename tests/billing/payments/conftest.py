"""A running payment server, a till on it, prices, and accounts that buy."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from billing.invoices.profiles.services import set_profile, set_terms
from billing.money import Money
from billing.payments.price_list import PriceLine, set_price_line
from billing.payments.purchases import Good
from billing.payments.stripe_gateway import StripeGateway
from billing.payments.till import Till
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_dev.payments.server import PaymentServer
from tenants.accounts.queries import main_account
from tests.billing.invoices.papers import GRAZ, TERMS, VIENNA
from tests.billing.payments.buyers import SECRET, Buyer, PostOffice, connected_customer


@pytest.fixture(scope="session")
def payment_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaymentServer]:
    """One for each test process."""
    with PaymentServer(tmp_path_factory.mktemp("payments")) as server:
        yield server


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(datetime.now(UTC))


@pytest.fixture
def till(payment_server: PaymentServer, clock: StoppedClock) -> Till:
    gateway = StripeGateway("sk_test_1", api_base=payment_server.address, webhook_secrets=[SECRET])
    return Till(gateway, clock, "EUR")


@pytest.fixture
def post(payment_server: PaymentServer, till: Till) -> PostOffice:
    return PostOffice(payment_server, till)


@pytest.fixture(autouse=True)
def platform_prices(app: object) -> None:
    """1,000 credits cost 2.00 EUR, from 100,000 on 1.50; an IP costs 40.00."""
    for line in (
        PriceLine(Good.CREDITS, 1, Money(200, "EUR")),
        PriceLine(Good.CREDITS, 100_000, Money(150, "EUR")),
        PriceLine(Good.DEDICATED_IP, 1, Money(4000, "EUR")),
    ):
        set_price_line(db.session(), None, line)
    db.session.commit()


@pytest.fixture
def agency(reseller: ResellerRef, payment_server: PaymentServer, till: Till) -> Buyer:
    """A reseller's own account, which buys from the platform."""
    with tenant_session(reseller) as session:
        return Buyer(reseller, main_account(session).id, payment_server, till)


@pytest.fixture
def customer(reseller: ResellerRef, payment_server: PaymentServer, till: Till, post: PostOffice) -> Buyer:
    """A sub-account of a reseller that is connected, has 10,000 credits in stock and sells 1,000 for 5.00 EUR."""
    return connected_customer(reseller, payment_server, till, post)


@pytest.fixture
def viennese(customer: Buyer) -> Buyer:
    """A customer that is at home where its reseller is, which bills and owes VAT of 20 %."""
    with tenant_session(customer.reseller) as session:
        set_profile(session, main_account(session), VIENNA)
        set_terms(session, TERMS)
        set_profile(session, customer.account(session), GRAZ)
        session.commit()
    return customer
