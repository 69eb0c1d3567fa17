"""Billing a month: the platform a reseller, and a reseller its sub-accounts. Each invoice is a transaction of its own."""

import structlog
from sqlalchemy.orm import Session

from billing.invoices.document import DraftLine
from billing.invoices.monthly.month import Month
from billing.invoices.monthly.returns import credit_returns
from billing.invoices.monthly.sources import lines_to_bill, usage_in
from billing.invoices.profiles.queries import buyer_of, sellers_profile, terms_in
from billing.invoices.queries import already_billed
from billing.invoices.sending.services import ask_to_send
from billing.invoices.services import Draft, Issued, issue_invoice
from platform_core.clock import Clock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import FrankpostError
from tenants.accounts.queries import main_account, sub_accounts
from tenants.models import Account

log = structlog.get_logger()


def bill_reseller(reseller: ResellerRef, *, clock: Clock) -> Issued | None:
    """The platform's invoice for the last month, by e-mail too; None when there is nothing to bill, or it can't be yet.

    Commits. A month has one invoice: calling again finds it.
    """
    with Session(db.engine) as platform, tenant_session(reseller) as rows:
        terms = terms_in(platform)
        if terms is None or sellers_profile(platform) is None:
            return None
        main = main_account(rows)
        month = Month.ended_before(clock.now(), main.time_zone)
        lines = lines_to_bill(rows, main, month, terms.currency)
        everyone = [main, *sub_accounts(rows)]
        return _bill(platform, rows, main, reseller.id, lines, everyone, month, clock=clock)


def bill_sub_accounts(reseller: ResellerRef, *, clock: Clock) -> list[Issued]:
    """The reseller's invoices for the last month; none unless it has said how it bills. Commits each by itself."""
    with tenant_session(reseller) as rows:
        terms = terms_in(rows)
        if terms is None or sellers_profile(rows) is None:
            return []
        issued = []
        for account in sub_accounts(rows):
            month = Month.ended_before(clock.now(), account.time_zone)
            lines = lines_to_bill(rows, account, month, terms.currency)
            issued.append(_bill(rows, rows, account, account.id, lines, [account], month, clock=clock))
        return [one for one in issued if one]


def _bill(
    books: Session,
    rows: Session,
    account: Account,
    buyer_id: int,
    lines: list[DraftLine],
    accounts: list[Account],
    month: Month,
    *,
    clock: Clock,
) -> Issued | None:
    """`books` is the seller's session, `rows` is inside the reseller. What went back is credited first."""
    credit_returns(books, rows, account, buyer_id, clock=clock)
    books.commit()
    billed = already_billed(books, buyer_id, [line.source for line in lines])
    fresh = [line for line in lines if line.source not in billed]
    # What was taken back may outweigh what was bought: it waits until there is something to set it off against.
    if sum(line.price for line in fresh) <= 0:
        return None
    try:
        draft = Draft(
            buyer_id=buyer_id,
            buyer=buyer_of(rows, account.id),
            lines=fresh,
            usage=usage_in(rows, accounts, month),
            since=month.first,
            until=month.last,
            reference=month.reference,
        )
        issued = issue_invoice(books, draft, clock=clock)
        if issued.fresh and draft.buyer.email:
            ask_to_send(books, issued.id, clock=clock)
        books.commit()
    except FrankpostError as error:  # a profile that is missing is no reason not to bill the others
        books.rollback()
        log.warning("invoice.not_issued", buyer_id=buyer_id, month=month.reference, problem=str(error))
        return None
    return issued
