"""Rows of plans: the platform's for resellers, a reseller's for its customers, and which account has which."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, DateTime, FetchedValue, ForeignKey, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import PlatformBase, TenantBase
from platform_core.ids import AccountId

_MOMENT = DateTime(timezone=True)


class PlanColumns:
    """What both kinds of plan have. `price`: for a month, in minor units; of the limits None is no limit.

    `overage_price`: minor units for 1,000 recipients beyond `included`; None: there are none beyond it.
    """

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    price: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    included: Mapped[int] = mapped_column(BigInteger)
    trial_days: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    smtp_accounts: Mapped[int | None] = mapped_column(Integer)
    domains: Mapped[int | None] = mapped_column(Integer)
    api_keys: Mapped[int | None] = mapped_column(Integer)
    dedicated_ips: Mapped[int | None] = mapped_column(Integer)
    overage_price: Mapped[int | None] = mapped_column(BigInteger)
    overage_limit: Mapped[int | None] = mapped_column(BigInteger)
    retired: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())


class PlatformPlan(PlanColumns, PlatformBase):
    __tablename__ = "plan"


class ResellerPlan(PlanColumns, TenantBase):
    __tablename__ = "plan"


class Subscription(TenantBase):
    """An account's plan; the row is the lock of all its changes.

    Name, price, included and overage are those of the present period. The period with number `periods` begins so many months after
    `anchor_on`, a date of the account's time zone. `next_plan_id`: what follows the period; None: nothing.
    """

    __tablename__ = "subscription"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    plan_id: Mapped[int] = mapped_column(Integer)
    next_plan_id: Mapped[int | None] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(Text)
    plan_name: Mapped[str] = mapped_column(Text)
    price: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    included: Mapped[int] = mapped_column(BigInteger)
    anchor_on: Mapped[date] = mapped_column(Date)
    periods: Mapped[int] = mapped_column(Integer)
    period_start: Mapped[datetime] = mapped_column(_MOMENT)
    period_end: Mapped[datetime] = mapped_column(_MOMENT)
    status_since: Mapped[datetime] = mapped_column(_MOMENT)
    paid: Mapped[bool]
    trial_used: Mapped[bool] = mapped_column(server_default="false")
    overage_price: Mapped[int | None] = mapped_column(BigInteger)
    overage_limit: Mapped[int | None] = mapped_column(BigInteger)
