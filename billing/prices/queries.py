"""Reads of prices, inside a reseller's session."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.money import PER_CREDITS, Money
from billing.money import price_of as priced
from billing.prices.models import CreditPrice
from platform_core.ids import AccountId
from tenants.models import Account, AccountKind


@dataclass(frozen=True, slots=True)
class Price:
    """What 1,000 credits cost an account. `own`: agreed with it, not the list price."""

    per_thousand: Money
    own: bool

    def of(self, credits: int) -> Money:
        """What so many credits cost, rounded half up to a minor unit."""
        amount = priced(credits, self.per_thousand.amount, PER_CREDITS)
        return Money(amount, self.per_thousand.currency)


def price_of(session: Session, account: Account) -> Price | None:
    """The account's own price, else the list price; None where there is neither: then credits are handed over free."""
    found = _price(session, account.id)
    if found is not None:
        return Price(found, own=not account.is_main)
    listed = list_price(session)
    return Price(listed, own=False) if listed else None


def list_price(session: Session) -> Money | None:
    """What 1,000 credits cost customers without a price of their own."""
    main = select(Account.id).where(Account.kind == AccountKind.MAIN).scalar_subquery()
    return _money(session.scalar(select(CreditPrice).where(CreditPrice.account_id == main)))


def _price(session: Session, account_id: AccountId) -> Money | None:
    return _money(session.get(CreditPrice, account_id))


def _money(row: CreditPrice | None) -> Money | None:
    return Money(row.per_thousand, row.currency) if row else None
