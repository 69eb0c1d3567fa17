"""Overage on invoices: a line for each month and period in which there was any, and a credit note for what comes off it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.invoices.document import DraftLine, LineKind
from billing.invoices.monthly.month import Month
from billing.ledger.models import AccountMonth, OverageTerms
from billing.money import PER_CREDITS, price_of
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class _Count:
    """Overage of one period within one month, and its price."""

    month: date
    period: datetime
    overage: int
    per_thousand: int
    currency: str

    @property
    def source(self) -> str:
        return f"overage:{self.month}/{self.period.isoformat()}"


def overage_lines(session: Session, account: Account, month: Month, currency: str) -> Iterator[DraftLine]:
    """What was sent beyond plan and credits, at the price of its period."""
    counts = [one for one in _counts(session, account) if one.month <= month.first]
    for place, one in enumerate(counts):
        if one.overage and one.currency == currency:
            yield DraftLine(
                kind=LineKind.OVERAGE,
                quantity=one.overage,
                unit_price=one.per_thousand,
                per=PER_CREDITS,
                since=max(one.month, month.day_of(one.period)),
                until=_last_day(counts[place:], month),
                source=one.source,
            )


def overage_by_source(session: Session, account: Account) -> dict[str, int]:
    """What the overage of each month and period comes to by now, net, by the source of its line."""
    return {
        one.source: price_of(one.overage, one.per_thousand, PER_CREDITS) for one in _counts(session, account)
    }


def _counts(session: Session, account: Account) -> list[_Count]:
    """Oldest first."""
    same_period = (OverageTerms.account_id == AccountMonth.account_id) & (
        OverageTerms.period == AccountMonth.period
    )
    query = (
        select(
            AccountMonth.month,
            AccountMonth.period,
            AccountMonth.overage,
            OverageTerms.per_thousand,
            OverageTerms.currency,
        )
        .join(OverageTerms, same_period)
        .where(AccountMonth.account_id == account.id)
    )
    ordered = query.order_by(AccountMonth.month, AccountMonth.period)
    return [_Count(*row) for row in session.execute(ordered)]


def _last_day(counts: list[_Count], month: Month) -> date:
    """Of the first of these: the end of its month, or the day on which the next period has begun within it."""
    first, following = counts[0], counts[1] if len(counts) > 1 else None
    if following is not None and following.month == first.month:
        return month.day_of(following.period)
    return Month(first.month, month.time_zone).last
