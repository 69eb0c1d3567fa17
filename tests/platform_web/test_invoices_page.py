"""The console's invoices page: what resellers owe the platform, its papers, and sending them again."""

from dataclasses import replace

import pytest

from billing.invoices.models import PlatformInvoiceSending
from billing.invoices.profiles.services import set_platforms_profile, set_terms
from billing.invoices.services import Issued, issue_invoice
from platform_core.clock import SystemClock
from platform_core.database import db, tenant_session
from tenants.accounts.queries import main_account
from tests.billing.invoices.papers import LYON, TERMS, VIENNA, draft
from tests.fixtures_web import Agency, Visitor


@pytest.fixture
def invoice(agency: Agency) -> Issued:
    """To the agency."""
    set_platforms_profile(db.session(), VIENNA)
    set_terms(db.session(), TERMS)
    with tenant_session(agency.ref) as session:
        wanted = replace(draft(main_account(session), LYON), buyer_id=agency.ref.id)
    issued = issue_invoice(db.session(), wanted, clock=SystemClock())
    db.session.commit()
    return issued


def test_invoices_are_listed_with_what_is_open(agency: Agency, staff: Visitor, invoice: Issued) -> None:
    page = staff.get("/invoices").text
    assert invoice.number in page
    assert agency.name in page
    assert "due on" in page


def test_an_invoice_is_sent_by_a_click(staff: Visitor, invoice: Issued) -> None:
    staff.post(f"/invoices/{invoice.id}/send")
    sending = db.session.query(PlatformInvoiceSending).filter_by(invoice_id=invoice.id).one()
    assert sending.send_to == LYON.email
    assert LYON.email in staff.get("/invoices").text


def test_an_invoice_that_is_not_there_is_not_found(staff: Visitor) -> None:
    assert staff.get("/invoices/999999.pdf").status_code == 404


def test_a_reseller_finds_its_own_invoice_in_its_portal_and_no_other(
    agency: Agency, owner: Visitor, customer: Visitor, invoice: Issued
) -> None:
    assert invoice.number in owner.get("/billing/invoices").text
    assert invoice.number not in customer.get("/billing/invoices").text
    assert customer.get(f"/billing/invoices/{invoice.id}.pdf").status_code == 404
