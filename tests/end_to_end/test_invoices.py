"""An invoice on its whole way: issued, put into the queue, signed, delivered by a running worker, and read again."""

import io
import re
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from facturx.facturx import get_facturx_xml_from_pdf
from pypdf import PdfReader

from billing.invoices.parties import Party, Terms
from billing.invoices.profiles.services import set_profile, set_terms
from billing.invoices.sending.letters import Mailroom, send_due
from billing.invoices.sending.services import ask_to_send
from billing.invoices.services import issue_invoice
from billing.letters.posting import QueuePost
from platform_core.clock import SystemClock
from platform_core.database import db, tenant_session
from platform_core.ids import ResellerKey
from platform_core.settings import Settings
from platform_web.headless import headless_context
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.resellers.queries import reseller_by_key
from tests.billing.invoices.papers import GRAZ, PLAN, draft
from tests.end_to_end.product import Product

AGENCY = Party(legal_name="Agency GmbH", country="AT", vat_id="ATU12345675", email="accounts@shop.example")

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def settings_of(product: Product) -> Settings:
    return Settings(
        secret_key=product.environment["FRANKPOST_SECRET_KEY"],  # type: ignore[arg-type]
        database_url=product.postgres.url(),  # type: ignore[arg-type]
        redis_url=product.redis.url(),  # type: ignore[arg-type]
    )


def send_an_invoice(product: Product) -> str:
    """Issues an invoice to a new sub-account and queues its letter; gives its number."""
    found, clock = settings_of(product), SystemClock()
    with headless_context(found):
        agency = reseller_by_key(db.session(), ResellerKey("agency")).ref
        with tenant_session(agency) as rows, tenant_session(agency) as sender_rows:
            set_profile(rows, main_account(rows), AGENCY)
            set_terms(rows, Terms(currency="EUR"))
            customer = create_sub_account(rows, NewAccount("Muster"))
            buyer = replace(GRAZ, email="buero@world.example")
            issued = issue_invoice(rows, draft(customer, buyer, PLAN), clock=clock)
            ask_to_send(rows, issued.id, clock=clock)
            rows.commit()
            assert send_due(rows, Mailroom(sender_rows, QueuePost(clock), clock)) == 1
            return issued.number


def test_an_invoice_reaches_the_buyer_in_the_agencys_name(product: Product) -> None:
    number = send_an_invoice(product)

    def letters() -> list[bytes]:
        return [one.raw for one in product.sink.arrivals if one.rcpt_to == "buero@world.example"]

    product.until(lambda: bool(letters()), "the letter has arrived")
    message = message_from_bytes(letters()[0], policy=policy.default)
    assert message["From"] == "Agency <accounts@shop.example>"
    assert "d=shop.example" in message["DKIM-Signature"]
    (attached,) = message.iter_attachments()
    content = attached.get_content()
    text = PdfReader(io.BytesIO(content)).pages[0].extract_text()
    assert number in text
    assert re.search(r"58,80\s€", text)
    assert get_facturx_xml_from_pdf(content, check_xsd=True)[0] == "factur-x.xml"
    assert b"frankpost" not in letters()[0].lower() + content.lower()
