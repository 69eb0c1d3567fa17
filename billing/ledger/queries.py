"""Reads of credits and use, inside a reseller's session."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.ledger.models import AccountMonth, CreditEntry, CreditLot
from platform_core.clock import Clock
from platform_core.ids import AccountId
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account may still send, in recipients. `credits_left` counts lots that have not lapsed."""

    month: date
    used: int
    monthly_cap: int | None
    plan_quota: int
    plan_left: int
    credits_left: int

    @property
    def share_of_cap(self) -> float | None:
        """Used share of the cap, 0.0 to 1.0 and never above; None without a cap."""
        if self.monthly_cap is None:
            return None
        return min(self.used / self.monthly_cap, 1.0) if self.monthly_cap else 1.0


def usage_of(session: Session, account: Account, *, clock: Clock) -> Usage:
    """This month's use and what is left, as acceptance sees it."""
    now = clock.now()
    month = now.astimezone(ZoneInfo(account.time_zone)).date().replace(day=1)
    row = session.get(AccountMonth, (account.id, month), populate_existing=True)
    used, from_plan = (row.accepted, row.from_plan) if row else (0, 0)
    return Usage(
        month=month,
        used=used,
        monthly_cap=account.monthly_cap,
        plan_quota=account.plan_quota,
        plan_left=max(account.plan_quota - from_plan, 0),
        credits_left=credits_left(session, account.id, now),
    )


def credits_left(session: Session, account_id: AccountId, now: datetime) -> int:
    """Credits that can be spent at `now`, over all lots."""
    query = select(func.coalesce(func.sum(CreditLot.remaining), 0)).where(
        CreditLot.account_id == account_id, CreditLot.expires_at > now
    )
    return int(session.scalar(query) or 0)


def lots_of(session: Session, account_id: AccountId) -> list[CreditLot]:
    """Every lot with credits left, the next to lapse first."""
    query = select(CreditLot).where(CreditLot.account_id == account_id, CreditLot.remaining > 0)
    return list(session.scalars(query.order_by(CreditLot.expires_at, CreditLot.id)))


def entries_of(session: Session, account_id: AccountId, *, limit: int = 100) -> list[CreditEntry]:
    """The newest lines of the ledger."""
    query = select(CreditEntry).where(CreditEntry.account_id == account_id)
    return list(session.scalars(query.order_by(CreditEntry.id.desc()).limit(limit)))
