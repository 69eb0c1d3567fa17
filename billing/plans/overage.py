"""Overage: e-mails beyond what a plan includes and credits cover, what they cost, and under which terms they are counted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.ledger.models import AccountMonth, OverageTerms
from billing.money import PER_CREDITS, Money, price_of
from billing.plans.catalogue import Overage
from billing.plans.models import Subscription
from billing.plans.states import PlanStatus
from tenants.models import Account

UNLIMITED = 10**15  # more than anybody will send in a month


@dataclass(frozen=True, slots=True)
class OverageState:
    """Of one period: `count` e-mails so far, which cost `cost` before VAT. `limit` None: as many as come."""

    count: int
    cost: Money
    per_thousand: Money
    limit: int | None


def quota_of(overage: Overage | None, status: PlanStatus) -> int:
    """How many acceptance may take. A trial has none, nor a period that isn't paid: they would be sent on credit twice."""
    if overage is None or status is not PlanStatus.ACTIVE:
        return 0
    return UNLIMITED if overage.limit is None else overage.limit


def agree(session: Session, row: Subscription) -> None:
    """Write down what overage of the present period costs, for the invoice.

    A dearer price, or a lower limit, of another plan within the period changes nothing about it: mail that is sent is
    never made dearer.
    """
    if row.overage_price is None:
        return
    new = insert(OverageTerms).values(
        account_id=row.account_id,
        period=row.period_start,
        per_thousand=row.overage_price,
        currency=row.currency,
        most=row.overage_limit,
    )
    most, other = OverageTerms.most, new.excluded.most
    held = {
        "per_thousand": func.least(OverageTerms.per_thousand, new.excluded.per_thousand),
        "most": case((or_(most.is_(None), other.is_(None)), None), else_=func.greatest(most, other)),
    }
    session.execute(new.on_conflict_do_update(index_elements=["account_id", "period"], set_=held))


def overage_of(session: Session, account: Account, period: datetime) -> OverageState | None:
    """What there has been in the period that began then; None where none was agreed."""
    terms = session.get(OverageTerms, (account.id, period), populate_existing=True)
    if terms is None:
        return None
    counts = session.scalars(
        select(AccountMonth.overage).where(
            AccountMonth.account_id == account.id, AccountMonth.period == period
        )
    ).all()
    # Each month of the period is billed by itself, so it is rounded by itself here, too.
    cost = sum(price_of(count, terms.per_thousand, PER_CREDITS) for count in counts)
    return OverageState(
        sum(counts), Money(cost, terms.currency), Money(terms.per_thousand, terms.currency), terms.most
    )
