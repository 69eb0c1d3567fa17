"""Rows of caps: what accounts with a daily cap or a rate have used, and what all customers have sent together.

Both are written inside the database alone.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, DateTime, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import TenantBase
from platform_core.ids import AccountId


class AccountPace(TenantBase):
    """Recipients of a day of the account's time zone, and the bucket of its rate (recipients times 60,000,000)."""

    __tablename__ = "account_pace"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(Date)
    accepted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    tokens: Mapped[int] = mapped_column(BigInteger)
    tokens_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CustomersMonth(TenantBase):
    """Recipients of all sub-accounts in a month of the main account's time zone, while there is a cap on them."""

    __tablename__ = "customers_month"

    month: Mapped[date] = mapped_column(Date, primary_key=True)
    accepted: Mapped[int] = mapped_column(BigInteger, server_default="0")
