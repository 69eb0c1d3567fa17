"""A purchase from the click to the credits: payment server, events over HTTP, and the web that takes them."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from billing.ledger.queries import credits_left
from billing.money import Money
from billing.payments.checkout import start_checkout
from billing.payments.price_list import PriceLine, set_price_line
from billing.payments.purchases import BackTo, Good, Purchase
from billing.payments.stripe_gateway import StripeGateway
from billing.payments.till import Till
from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.settings import settings
from platform_dev.payments.server import PaymentServer
from platform_dev.payments.webhooks import Endpoint
from tenants.accounts.queries import main_account
from whitelabel.hosts import HostDispatcher
from whitelabel.webhooks.views import PATH

CLOCK = SystemClock()


@pytest.fixture
def address(paid_web: HostDispatcher) -> Iterator[str]:
    """Where the console answers over real HTTP."""
    server = make_server("127.0.0.1", 0, paid_web, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{settings().platform_host}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def credits(reseller: ResellerRef) -> int:
    with tenant_session(reseller) as session:
        return credits_left(session, main_account(session).id, CLOCK.now())


def test_whoever_pays_at_the_checkout_finds_the_credits(
    reseller: ResellerRef, address: str, tmp_path: Path
) -> None:
    set_price_line(db.session(), None, PriceLine(Good.CREDITS, 1, Money(200, "EUR")))
    db.session.commit()
    endpoint = Endpoint(f"{address}{PATH}", "whsec_platform")
    with PaymentServer(tmp_path, endpoints=(endpoint,)) as server:
        gateway = StripeGateway("sk_test_1", api_base=server.address, webhook_secrets=())
        with tenant_session(reseller) as session:
            url = start_checkout(
                session,
                main_account(session),
                Purchase.credits(5000),
                till=Till(gateway, CLOCK, "EUR"),
                back_to=BackTo("http://portal.example/paid", "http://portal.example/left"),
            )
            session.commit()
        server.desk.pay(server.desk.shelf.get(url.rpartition("/")[2]), "4242 4242 4242 4242")
        deadline = time.monotonic() + 30
        while credits(reseller) == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
    assert credits(reseller) == 5000
