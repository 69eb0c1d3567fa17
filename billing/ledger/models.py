"""Rows of what it costs: credit lots, the ledger's entries, and each month's use."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Date, DateTime, ForeignKey, Identity, Text
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import TenantBase
from platform_core.ids import AccountId


class LotOrigin(StrEnum):
    BOUGHT = "bought"
    GRANTED = "granted"
    HANDED_OVER = "handed_over"
    RETURNED = "returned"


class EntryKind(StrEnum):
    """Why credits came or went. `used` is written by acceptance alone, inside the database."""

    BOUGHT = "bought"
    GRANTED = "granted"
    HANDED_OVER = "handed_over"
    TAKEN_OVER = "taken_over"
    USED = "used"
    RETURNED = "returned"
    EXPIRED = "expired"


class CreditLot(TenantBase):
    """Credits that came at once and lapse at once. `remaining` only ever falls, in the transaction of its entry."""

    __tablename__ = "credit_lot"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id"))
    credits: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[str] = mapped_column(Text)
    acquired_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CreditEntry(TenantBase):
    """One line of the ledger: signed credits of one lot. Never changed, never removed."""

    __tablename__ = "credit_entry"

    account_id: Mapped[AccountId] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    lot_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    credits: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    note: Mapped[str] = mapped_column(Text, server_default="")


class AccountMonth(TenantBase):
    """Recipients accepted in a calendar month of the account's time zone, `from_plan` of them covered by the plan."""

    __tablename__ = "account_month"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    accepted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    from_plan: Mapped[int] = mapped_column(BigInteger, server_default="0")
