"""Billing a month: the platform a reseller, and a reseller its sub-accounts. Each invoice is a transaction of its own."""

from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from billing.invoices.document import UsageRow
from billing.invoices.monthly.left_out import LeftOut, left_out
from billing.invoices.monthly.month import Month
from billing.invoices.monthly.parts import Heading, Part, parts_of
from billing.invoices.monthly.returns import credit_returns
from billing.invoices.monthly.sources import lines_to_bill, usage_in
from billing.invoices.profiles.queries import buyer_of, profile_of, sellers_profile, terms_in
from billing.invoices.queries import already_billed
from billing.invoices.sending.services import ask_to_send
from billing.invoices.services import Draft, Issued, issue_invoice, vat_by_rules
from platform_core.clock import Clock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import FrankpostError, NotFound
from tenants.accounts.queries import main_account, sub_accounts
from tenants.models import Account

log = structlog.get_logger()


def bill_reseller(reseller: ResellerRef, *, clock: Clock) -> list[Issued]:
    """The platform's invoices for the last month, by e-mail too; none when there is nothing to bill, or it can't be yet.

    Commits. A month has one invoice, and one more for whatever was paid under other tax data: calling again finds them.
    """
    with Session(db.engine) as platform, tenant_session(reseller) as rows:
        terms = terms_in(platform)
        if terms is None or sellers_profile(platform) is None:
            return []
        main = main_account(rows)
        month = Month.ended_before(clock.now(), main.time_zone)
        deal = _Deal(platform, rows, main, reseller.id, month, terms.currency)
        return _bill(deal, [main, *sub_accounts(rows)], clock=clock)


def left_out_of_invoices(reseller: ResellerRef, *, clock: Clock) -> list[LeftOut]:
    """What the platform has sold the reseller, and it its customers, in a currency in which they make no invoices."""
    with Session(db.engine) as platform, tenant_session(reseller) as rows:
        terms, main = terms_in(platform), main_account(rows)
        found = []
        if terms is not None:
            month = Month.ended_before(clock.now(), main.time_zone)
            found += _left_out(_Deal(platform, rows, main, reseller.id, month, terms.currency))
        terms = terms_in(rows)
        for account in sub_accounts(rows) if terms else []:
            month = Month.ended_before(clock.now(), account.time_zone)
            found += _left_out(_Deal(rows, rows, account, account.id, month, terms.currency if terms else ""))
        return found


def bill_sub_accounts(reseller: ResellerRef, *, clock: Clock) -> list[Issued]:
    """The reseller's invoices for the last month; none unless it has said how it bills. Commits each by itself."""
    with tenant_session(reseller) as rows:
        terms = terms_in(rows)
        if terms is None or sellers_profile(rows) is None:
            return []
        issued: list[Issued] = []
        for account in sub_accounts(rows):
            month = Month.ended_before(clock.now(), account.time_zone)
            deal = _Deal(rows, rows, account, account.id, month, terms.currency)
            issued += _bill(deal, [account], clock=clock)
        return issued


@dataclass(frozen=True, slots=True)
class _Deal:
    """A month between a seller and a buyer. `books` is the seller's session, `rows` is inside the reseller."""

    books: Session
    rows: Session
    account: Account
    buyer_id: int
    month: Month
    currency: str


def _left_out(deal: _Deal) -> list[LeftOut]:
    return left_out(deal.books, deal.rows, deal.account, deal.buyer_id, deal.month, deal.currency)


def _bill(deal: _Deal, accounts: list[Account], *, clock: Clock) -> list[Issued]:
    """What went back is credited first; of what can't be on an invoice the log tells."""
    books, rows, month = deal.books, deal.rows, deal.month
    credit_returns(books, rows, deal.account, deal.buyer_id, clock=clock)
    books.commit()
    for one in _left_out(deal):
        log.error("invoice.left_out", buyer_id=deal.buyer_id, currency=one.amount.currency, sales=one.sales)
    lines = lines_to_bill(rows, deal.account, month, deal.currency)
    billed = already_billed(books, deal.buyer_id, [line.source for line in lines])
    fresh = [line for line in lines if line.source not in billed]
    # What was taken back may outweigh what was bought: it waits until there is something to set it off against.
    parts = [part for part in parts_of(fresh, _present(deal, clock), month) if part.price > 0]
    usage = usage_in(rows, accounts, month) if parts else []
    issued: list[Issued] = []
    for part in parts:
        # Usage is for information, and told once.
        if made := _issue(deal, part, [] if issued else usage, clock=clock):
            issued.append(made)
    return issued


def _present(deal: _Deal, clock: Clock) -> Heading:
    """Of whatever had no VAT agreed when it was sold; without a VAT where nobody can say it, which is told in `_issue`."""
    buyer = profile_of(deal.rows, deal.account.id)
    try:
        vat = vat_by_rules(deal.books, buyer, until=deal.month.last, clock=clock) if buyer else None
    except NotFound:
        vat = None
    return Heading(buyer, vat)


def _issue(deal: _Deal, part: Part, usage: list[UsageRow], *, clock: Clock) -> Issued | None:
    """One invoice, by e-mail too; commits. None where it can't be yet, and the log says why."""
    books, month = deal.books, deal.month
    try:
        draft = Draft(
            buyer_id=deal.buyer_id,
            buyer=part.heading.buyer or buyer_of(deal.rows, deal.account.id),
            lines=part.lines,
            usage=usage,
            since=month.first,
            until=month.last,
            reference=part.reference,
            vat=part.heading.vat,
        )
        issued = issue_invoice(books, draft, clock=clock)
        if issued.fresh and draft.buyer.email:
            ask_to_send(books, issued.id, clock=clock)
        books.commit()
    except FrankpostError as error:  # a profile that is missing is no reason not to bill the others
        books.rollback()
        log.warning("invoice.not_issued", buyer_id=deal.buyer_id, month=part.reference, problem=str(error))
        return None
    return issued
