"""What is sold in a currency in which no invoices are made is never passed over in silence."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from billing.invoices.monthly.services import bill_sub_accounts, left_out_of_invoices
from billing.ledger.models import LotOrigin
from billing.ledger.services import grant_credits
from billing.money import Money
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef
from tenants.models import Account

OCTOBER = StoppedClock(datetime(2026, 10, 12, 8, tzinfo=UTC))


def bought(rows: Session, account: Account, currency: str) -> None:
    cost = Money(900, currency)
    grant_credits(rows, account, 1_000, clock=OCTOBER, origin=LotOrigin.BOUGHT, cost=cost)
    rows.commit()


def test_it_is_listed_by_account_and_currency_and_logged_each_time(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    bought(rows, customer, "USD")
    bought(rows, customer, "USD")
    bought(rows, customer, "EUR")
    (found,) = left_out_of_invoices(reseller, clock=clock)
    assert (found.account, found.sales, found.amount) == ("Muster", 2, Money(1800, "USD"))
    with capture_logs() as logs:
        (issued,) = bill_sub_accounts(reseller, clock=clock)
    assert issued.document.net == 900
    assert [(line["event"], line["currency"], line["sales"]) for line in logs] == [
        ("invoice.left_out", "USD", 2)
    ]


def test_what_is_billed_as_it_should_is_not_listed(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    bought(rows, customer, "EUR")
    assert left_out_of_invoices(reseller, clock=clock) == []
