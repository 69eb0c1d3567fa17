"""Overage on the monthly invoice: to the recipient, at the price of its period, and taken back where it comes off."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.orm import Session

from billing.invoices.document import InvoiceKind, LineKind
from billing.invoices.monthly.services import bill_reseller, bill_sub_accounts
from billing.invoices.profiles.services import set_platforms_profile, set_terms
from billing.invoices.services import Issued
from billing.ledger.models import OverageTerms
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, db
from tenants.accounts.queries import main_account
from tenants.models import Account
from tests.billing.invoices.papers import LYON, TERMS
from tests.relay_worker.queue.desk import owner_connection

PERIOD = datetime(2026, 9, 15, tzinfo=UTC)
NEXT = datetime(2026, 10, 15, tzinfo=UTC)


def agreed(rows: Session, account: Account, period: datetime, per_thousand: int) -> None:
    rows.add(
        OverageTerms(
            account_id=account.id, period=period, per_thousand=per_thousand, currency="EUR", most=None
        )
    )
    rows.commit()


def sent(reseller: ResellerRef, account: Account, month: str, period: datetime, overage: int) -> None:
    """As acceptance counts it, which alone may; again: so many more, or fewer."""
    with owner_connection(reseller) as books:
        books.execute(
            "INSERT INTO account_month AS m (account_id, month, period, accepted, from_plan, overage)"
            " VALUES (%s, %s, %s, %s, 100, %s) ON CONFLICT (account_id, month, period) DO UPDATE"
            " SET accepted = m.accepted + excluded.overage, overage = m.overage + excluded.overage",
            [account.id, month, period, 100 + overage, overage],
        )


def billed(reseller: ResellerRef, clock: StoppedClock) -> list[Issued]:
    return [one for one in bill_sub_accounts(reseller, clock=clock) if one.fresh]


def notes(reseller: ResellerRef) -> list[tuple[int, int]]:
    with owner_connection(reseller) as books:
        found = books.execute("SELECT net, tax FROM invoice WHERE kind = 'credit_note' ORDER BY id")
        return [(row["net"], row["tax"]) for row in found]


def test_each_period_of_the_month_has_its_line_at_its_price(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    agreed(rows, customer, PERIOD, 80)
    agreed(rows, customer, NEXT, 100)
    sent(reseller, customer, "2026-10-01", PERIOD, 10_001)
    sent(reseller, customer, "2026-10-01", NEXT, 500)
    sent(reseller, customer, "2026-11-01", NEXT, 9_999)  # the month after it
    (paper,) = [one.document for one in billed(reseller, clock)]
    assert [(line.kind, line.quantity, line.unit_price, line.per, line.net) for line in paper.lines] == [
        (LineKind.OVERAGE, 10_001, 80, 1000, 800),
        (LineKind.OVERAGE, 500, 100, 1000, 50),
    ]
    assert [(line.since, line.until) for line in paper.lines] == [
        (date(2026, 10, 1), date(2026, 10, 15)),
        (date(2026, 10, 15), date(2026, 10, 31)),
    ]
    assert (paper.net, paper.tax, paper.paid, paper.due) == (850, 170, 0, 1020)
    assert [(row.from_plan, row.from_credits, row.overage) for row in paper.usage] == [(200, 0, 10_501)]


def test_what_was_never_tried_and_comes_off_later_is_credited_once(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    agreed(rows, customer, PERIOD, 80)
    sent(reseller, customer, "2026-10-01", PERIOD, 10_000)
    billed(reseller, clock)
    sent(reseller, customer, "2026-10-01", PERIOD, -2_500)
    for _ in range(2):
        assert billed(reseller, clock) == []
    assert notes(reseller) == [(200, 40)]


def test_a_price_that_fell_within_the_period_is_credited_too(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    agreed(rows, customer, PERIOD, 80)
    sent(reseller, customer, "2026-10-01", PERIOD, 10_000)
    billed(reseller, clock)
    rows.get_one(OverageTerms, (customer.id, PERIOD)).per_thousand = 60
    rows.commit()
    billed(reseller, clock)
    assert notes(reseller) == [(200, 40)]


def test_the_platform_bills_a_reseller_for_its_own(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    platform = db.session()
    set_platforms_profile(platform, LYON)
    set_terms(platform, TERMS)
    platform.commit()
    main = main_account(rows)
    agreed(rows, main, PERIOD, 50)
    sent(reseller, main, "2026-10-01", PERIOD, 2_000)
    (issued,) = bill_reseller(reseller, clock=clock)
    assert [(line.kind, line.net) for line in issued.document.lines] == [(LineKind.OVERAGE, 100)]
    assert (issued.document.kind, issued.document.vat_category) == (InvoiceKind.INVOICE, "AE")


@pytest.mark.parametrize("overage", [0, 1])
def test_overage_of_less_than_a_cent_is_no_reason_for_an_invoice(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock, overage: int
) -> None:
    agreed(rows, customer, PERIOD, 80)
    sent(reseller, customer, "2026-10-01", PERIOD, overage)
    assert billed(reseller, clock) == []
