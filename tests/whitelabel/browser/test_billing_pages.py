"""The billing pages in a browser, with something on each of them and a payment service behind them."""

import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from billing.invoices.profiles.services import set_profile, set_terms
from billing.invoices.services import issue_invoice
from billing.ledger.services import grant_credits
from billing.ledger.transfers import hand_over
from billing.money import Money
from billing.payments.models import Card
from billing.payments.price_list import PriceLine, set_price_line
from billing.payments.purchases import Good
from billing.plans.catalogue import Limits, NewPlan, create_plan
from billing.plans.services import subscribe
from billing.prices.services import set_price
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import db, tenant_session
from platform_core.settings import Settings
from platform_dev.payments.server import PaymentServer
from platform_dev.redis import EmbeddedRedis
from tenants.models import Account
from tests.billing.invoices.papers import GRAZ, TERMS, VIENNA, draft
from tests.fixtures_web import Agency, sites_with
from tests.whitelabel.browser.conftest import PHONE, WIDE, OpenPage
from tests.whitelabel.browser.test_pages import overflow

CLOCK = SystemClock()
PAGES = (
    "",
    "/plan",
    "/buy",
    "/wallet",
    "/cards",
    "/invoices",
    "/ledger",
    "/allocation",
    "/prices",
    "/margins",
)
CUSTOMERS = PAGES[:4] + PAGES[5:7]


@pytest.fixture(scope="module")
def port(
    redis_server: EmbeddedRedis, database: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The whole web with a key of the payment service."""
    folder = tmp_path_factory.mktemp("payments")
    with (
        PaymentServer(folder) as payments,
        sites_with(stripe_secret_key=SecretStr("sk_test_1"), stripe_api_base=payments.address) as sites,
    ):
        server = make_server("127.0.0.1", 0, sites, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def busy(agency: Agency) -> Agency:
    """An agency that has bought, sold, billed and subscribed."""
    set_price_line(db.session(), None, PriceLine(Good.CREDITS, 1, Money(200, "EUR")))
    set_price_line(db.session(), None, PriceLine(Good.CREDITS, 100_000, Money(150, "EUR")))
    set_price_line(db.session(), None, PriceLine(Good.DEDICATED_IP, 1, Money(4000, "EUR")))
    db.session.commit()
    with tenant_session(agency.ref) as session:
        main, shop = session.get_one(Account, agency.main.id), session.get_one(Account, agency.customer.id)
        old = StoppedClock(datetime.now(UTC) - timedelta(days=345))
        grant_credits(session, main, 25_000, clock=old, cost=Money(4000, "EUR"))
        set_price(session, main, Money(500, "EUR"), clock=CLOCK)
        set_price(session, shop, Money(450, "EUR"), clock=CLOCK)
        hand_over(session, main, shop, 12_000, clock=CLOCK)
        _fill(session, main)
        _fill(session, shop)
        _sell_plans(session, shop)
        _bill(session, main, shop)
        card = Card(id=f"pm_{uuid4().hex}", account_id=main.id, brand="visa", last4="4242")
        card.exp_month, card.exp_year, card.told_at = 12, 2034, CLOCK.now()
        session.add(card)
        session.commit()
    return agency


def _fill(session: Session, account: Account) -> None:
    credit_wallet(
        session, account, Money(5000, "EUR"), reason=WalletReason.PAID_IN, reference="1", clock=CLOCK
    )


def _sell_plans(session: Session, shop: Account) -> None:
    small = NewPlan("Small", Money(900, "EUR"), 5000, 14, Limits(smtp_accounts=2, domains=1))
    create_plan(session, NewPlan("Large", Money(4900, "EUR"), 100_000))
    subscribe(session, shop, create_plan(session, small).id, clock=CLOCK)


def _bill(session: Session, main: Account, shop: Account) -> None:
    set_profile(session, main, VIENNA)
    set_profile(session, shop, GRAZ)
    set_terms(session, TERMS)
    issue_invoice(session, draft(shop), clock=CLOCK)


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_billing_page_fits_and_complains_of_nothing(
    busy: Agency, open_page: OpenPage, viewport: dict[str, int], scheme: str, tmp_path: Path
) -> None:
    shots = Path(os.environ.get("SCREENSHOTS", tmp_path))
    for who, paths in ((busy.main.owner, PAGES), (busy.customer.owner, CUSTOMERS)):
        page = open_page(busy.portal, who, viewport=viewport, scheme=scheme)
        for path in paths:
            page.goto(f"/billing{path}")
            assert page.locator("h1").inner_text() == "Billing", path
            assert overflow(page) <= 0, path
            name = f"{'main' if who == busy.main.owner else 'sub'}{path.replace('/', '-')}"
            page.screenshot(path=shots / f"{name}-{viewport['width']}-{scheme}.png", full_page=True)


def test_credits_are_handed_over_on_the_page(busy: Agency, open_page: OpenPage) -> None:
    page = open_page(busy.portal, busy.main.owner)
    page.goto("/billing/allocation")
    row = page.locator("tr", has_text="Fabrikam Shop")
    row.locator("input[name=credits]").fill("1 500")
    row.get_by_role("button", name="Hand over").click()
    page.wait_for_selector(".note-good")
    assert "2,500" in page.locator("tr", has_text="Fabrikam Shop").inner_text()


def test_a_purchase_leads_over_its_price_to_the_checkout(busy: Agency, open_page: OpenPage) -> None:
    page = open_page(busy.portal, busy.main.owner)
    # Browsers ask every site for one; the payment server, which is not ours to look at here, has none.
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.goto("/billing/buy")
    page.fill("input[name=units] >> nth=0", "10000")
    page.click("text=Show the price >> nth=0")
    assert "€20.00" in page.locator(".ask").inner_text()
    page.click("text=Pay by card")
    page.wait_for_url(re.compile("/pay/cs_test_"))
