"""What a reseller earns on credits: what customers are charged against what the lots have cost, by customer and month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Date, and_, cast, func, select
from sqlalchemy.orm import Session

from billing.ledger.models import CreditTransfer
from billing.money import Money
from platform_core.ids import AccountId
from tenants.accounts.queries import main_account
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class Margin:
    """One customer in one month of the reseller's time zone; what was taken back is taken off again.

    `price` and `cost` are about the same credits. A currency "" means that nothing was asked, or paid.
    """

    account_id: AccountId
    account_name: str
    month: date
    credits: int
    price: Money
    cost: Money

    @property
    def margin(self) -> Money | None:
        """Charge less cost; None where the two are in different currencies."""
        return earned(self.price, self.cost)


def earned(price: Money, cost: Money) -> Money | None:
    """Charge less cost; None where the two are in different currencies. "" is none at all."""
    currencies = {money.currency for money in (price, cost) if money.currency}
    if len(currencies) > 1:
        return None
    return Money(price.amount - cost.amount, next(iter(currencies), ""))


def margins(
    session: Session,
    *,
    account_id: AccountId | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[Margin]:
    """The newest month first, then by customer. One line for each pair of currencies. `until` is not included."""
    zone = main_account(session).time_zone
    month = cast(func.date_trunc("month", func.timezone(zone, CreditTransfer.at)), Date).label("month")
    wanted = [
        *([CreditTransfer.account_id == account_id] if account_id is not None else []),
        *([CreditTransfer.at >= since] if since else []),
        *([CreditTransfer.at < until] if until else []),
    ]
    query = (
        select(
            Account.id,
            Account.name,
            month,
            func.sum(CreditTransfer.credits),
            func.sum(CreditTransfer.price),
            CreditTransfer.price_currency,
            func.sum(CreditTransfer.cost),
            CreditTransfer.cost_currency,
        )
        .join(Account, and_(Account.id == CreditTransfer.account_id, *wanted))
        .group_by(
            Account.id, Account.name, month, CreditTransfer.price_currency, CreditTransfer.cost_currency
        )
        .order_by(month.desc(), Account.name, Account.id)
    )
    return [
        Margin(id_, name, at, int(credits), Money(int(price), priced_in), Money(int(cost), paid_in))
        for id_, name, at, credits, price, priced_in, cost, paid_in in session.execute(query)
    ]
