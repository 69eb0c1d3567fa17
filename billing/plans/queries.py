"""Reads of plans that accounts have, inside a reseller's session."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.ledger.queries import usage_of
from billing.money import Money
from billing.plans.catalogue import Limits
from billing.plans.models import Subscription
from billing.plans.overage import OverageState, overage_of
from billing.plans.states import PlanStatus
from billing.rentals.queries import rented_count
from platform_core.clock import Clock
from platform_core.ids import AccountId
from tenants.accounts.limits import Limit, limit_of
from tenants.models import Account, Domain, SmtpAccount

__all__ = ["Limit", "Room", "PlanState", "current_plan", "due_subscriptions", "limit_of", "room_of"]


@dataclass(frozen=True, slots=True)
class PlanState:
    """An account's plan as it stands. `used` of `included` recipients in this period, which ends at `period_end`.

    `expires_at`: when it ends for good, None while it goes on; `next_plan_id`: what follows the period, None: nothing.
    `paid`: this period is. `overage` None: nothing goes beyond what is included and credits.
    """

    plan_id: int
    name: str
    price: Money
    status: PlanStatus
    period_start: datetime
    period_end: datetime
    included: int
    used: int
    limits: Limits
    next_plan_id: int | None
    expires_at: datetime | None
    paid: bool
    status_since: datetime
    overage: OverageState | None


@dataclass(frozen=True, slots=True)
class Room:
    """Things that an account has, of those it may have; `most` None: no limit."""

    limit: Limit
    used: int
    most: int | None


def current_plan(session: Session, account: Account, *, clock: Clock) -> PlanState | None:
    """The account's plan; None where it never had one. One that has ended is shown as ended."""
    row = session.get(Subscription, account.id, populate_existing=True)
    if row is None:
        return None
    status = PlanStatus(row.status)
    usage = usage_of(session, account, clock=clock)
    ends = status is PlanStatus.ENDED or row.next_plan_id is None
    return PlanState(
        plan_id=row.plan_id,
        name=row.plan_name,
        price=Money(row.price, row.currency),
        status=status,
        period_start=row.period_start,
        period_end=row.period_end,
        included=usage.plan_quota,
        used=usage.plan_quota - usage.plan_left,
        limits=Limits(
            account.most_smtp_accounts,
            account.most_domains,
            account.most_api_keys,
            account.most_dedicated_ips,
        ),
        next_plan_id=row.next_plan_id,
        expires_at=row.period_end if ends else None,
        paid=row.paid,
        status_since=row.status_since,
        overage=None if status is PlanStatus.TRIAL else overage_of(session, account, row.period_start),
    )


def room_of(session: Session, account: Account) -> tuple[Room, ...]:
    """SMTP accounts, domains and dedicated IPs of an account, against its limits."""
    counts = {
        Limit.SMTP_ACCOUNTS: select(func.count()).where(SmtpAccount.account_id == account.id),
        Limit.DOMAINS: select(func.count()).where(Domain.account_id == account.id),
        Limit.DEDICATED_IPS: rented_count(account.id),
    }
    return tuple(
        Room(limit, session.scalar(count) or 0, limit_of(account, limit)) for limit, count in counts.items()
    )


def due_subscriptions(session: Session, now: datetime) -> list[AccountId]:
    """Accounts whose period is over, or not paid."""
    query = select(Subscription.account_id).where(
        Subscription.status.in_([PlanStatus.TRIAL, PlanStatus.ACTIVE, PlanStatus.PAST_DUE]),
        (Subscription.period_end <= now) | (Subscription.status == PlanStatus.PAST_DUE),
    )
    return list(session.scalars(query.order_by(Subscription.account_id)))
