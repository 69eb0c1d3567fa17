"""Numbers without a gap: many issuers at once, and those that fail on the way."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from billing.invoices.numbering import check_format
from billing.invoices.queries import invoices_in
from billing.invoices.services import issue_invoice
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import InvalidInput
from tenants.models import Account
from tests.billing.invoices.papers import GRAZ, PLAN, draft

ISSUERS = 50


def test_fifty_at_once_leave_no_gap_though_every_third_fails(
    app: Flask, rows: Session, customer: Account, clock: StoppedClock
) -> None:
    reseller: ResellerRef = rows.info["reseller"]
    buyer = customer

    def issue(n: int) -> None:
        with app.app_context(), tenant_session(reseller) as session:
            issue_invoice(session, draft(buyer, GRAZ, PLAN), clock=clock)
            if n % 3:
                session.commit()

    with ThreadPoolExecutor(ISSUERS) as pool:
        list(pool.map(issue, range(ISSUERS)))
    kept = sum(1 for n in range(ISSUERS) if n % 3)
    numbers = sorted(one.number for one in invoices_in(rows, most=ISSUERS))
    assert numbers == [f"AM-2026-{n:04}" for n in range(1, kept + 1)]


def test_fifty_at_once_with_one_reference_issue_one_invoice(
    app: Flask, rows: Session, customer: Account, clock: StoppedClock
) -> None:
    reseller: ResellerRef = rows.info["reseller"]

    def issue(_n: int) -> bool:
        with app.app_context(), tenant_session(reseller) as session:
            issued = issue_invoice(session, draft(customer, reference="usage:2026-10"), clock=clock)
            session.commit()
            return issued.fresh

    with ThreadPoolExecutor(ISSUERS) as pool:
        fresh = list(pool.map(issue, range(ISSUERS)))
    assert fresh.count(True) == 1
    assert [one.number for one in invoices_in(rows)] == ["AM-2026-0001"]


@pytest.mark.parametrize("text", ["{number}", "{year}-{number:05}", "RE {number:06}/{year}", "{number:x}"])
def test_a_format_around_the_number_is_taken(text: str) -> None:
    check_format("number_format", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "R1",
        "{year}",
        "{number",
        "{other}{number}",
        "{}",
        "{number.real.__class__}",
        "{number:5000}",
        "{number}\n",
    ],
)
def test_a_format_without_a_place_for_the_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_format("number_format", text)
