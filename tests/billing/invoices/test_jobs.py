"""The job that bills the month: over all resellers, and twice with one effect."""

from datetime import timedelta

from sqlalchemy.orm import Session

from billing.invoices.jobs import bill_month
from billing.invoices.queries import invoices_in
from billing.ledger.services import grant_credits
from billing.ledger.transfers import hand_over
from billing.money import Money
from billing.prices.services import set_price
from platform_core.clock import StoppedClock, SystemClock
from tenants.accounts.queries import main_account
from tenants.models import Account


def test_the_month_is_billed_once_however_often_the_job_runs(rows: Session, customer: Account) -> None:
    earlier = StoppedClock(SystemClock().now().replace(day=1) - timedelta(days=2))
    main = main_account(rows)
    grant_credits(rows, main, 1_000, clock=earlier)
    set_price(rows, customer, Money(80, "EUR"), clock=earlier)
    hand_over(rows, main, customer, 1_000, clock=earlier)
    rows.commit()
    bill_month()
    bill_month()
    assert [one.gross.amount for one in invoices_in(rows)] == [96]
