"""Rows of prices."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import TenantBase
from platform_core.ids import AccountId


class CreditPrice(TenantBase):
    """What 1,000 credits cost a customer, in minor units; the main account's row is the list price of all the others."""

    __tablename__ = "credit_price"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    per_thousand: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
