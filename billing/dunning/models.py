"""Rows of dunning: how far an account was led, and what people were told."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, DateTime, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import TenantBase
from platform_core.ids import AccountId

_MOMENT = DateTime(timezone=True)


class Dunning(TenantBase):
    """An account that owes something. `suspended`: by dunning, not by a person."""

    __tablename__ = "dunning"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    step: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date] = mapped_column(Date)
    step_at: Mapped[datetime] = mapped_column(_MOMENT)
    suspended: Mapped[bool] = mapped_column(server_default="false")


class BillingNotice(TenantBase):
    """Something that people are told by mail, once for each kind and reference."""

    __tablename__ = "billing_notice"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    made_at: Mapped[datetime] = mapped_column(_MOMENT)
    told_at: Mapped[datetime | None] = mapped_column(_MOMENT)
