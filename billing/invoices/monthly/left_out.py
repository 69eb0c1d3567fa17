"""What is in no invoice, because it is in another currency than the seller bills in: for staff to look at."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.invoices.monthly.month import Month
from billing.invoices.monthly.sources import lines_to_bill
from billing.invoices.queries import already_billed
from billing.ledger.models import CreditLot, CreditTransfer, OverageTerms
from billing.money import Money
from billing.payments.models import Payment
from billing.wallet.models import WalletRow
from platform_core.ids import AccountId
from tenants.models import Account

_CURRENCIES = (
    (WalletRow.currency, WalletRow.account_id),
    (Payment.currency, Payment.account_id),
    (CreditLot.currency, CreditLot.account_id),
    (CreditTransfer.price_currency, CreditTransfer.account_id),
    (OverageTerms.currency, OverageTerms.account_id),
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What an account was sold in one other currency up to the end of a month, and was never billed."""

    account_id: AccountId
    account: str
    sales: int
    amount: Money


def left_out(
    books: Session, rows: Session, account: Account, buyer_id: int, month: Month, currency: str
) -> list[LeftOut]:
    """By currency. `books` is the session of the seller, who bills in `currency`, `rows` is inside the reseller."""
    others = sorted(_currencies(rows, account) - {currency, ""})
    found = [_left_out(books, rows, account, buyer_id, month, other) for other in others]
    return [one for one in found if one.sales]


def _left_out(
    books: Session, rows: Session, account: Account, buyer_id: int, month: Month, currency: str
) -> LeftOut:
    lines = lines_to_bill(rows, account, month, currency)
    billed = already_billed(books, buyer_id, [line.source for line in lines])
    fresh = [line.price for line in lines if line.source not in billed]
    return LeftOut(account.id, account.name, len(fresh), Money(sum(fresh), currency))


def _currencies(rows: Session, account: Account) -> set[str]:
    return {
        str(currency)
        for column, owner in _CURRENCIES
        for currency in rows.scalars(select(column).where(owner == account.id).distinct())
    }
