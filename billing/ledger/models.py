"""Rows of what it costs: credit lots, the ledger's entries, and each month's use."""

from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, ForeignKey, Identity, SmallInteger, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import TenantBase
from platform_core.ids import AccountId


class LotOrigin(StrEnum):
    BOUGHT = "bought"
    GRANTED = "granted"
    HANDED_OVER = "handed_over"
    RETURNED = "returned"  # given back after the lot that had paid was lapsed


class EntryKind(StrEnum):
    """Why credits came or went. `used` and `refunded` are written inside the database alone."""

    BOUGHT = "bought"
    GRANTED = "granted"
    HANDED_OVER = "handed_over"  # out of the stock, to a customer
    RECEIVED = "received"  # the same, in the customer's books
    TAKEN_BACK = "taken_back"  # from the customer, unspent
    RETURNED = "returned"  # the same, in the books of the stock
    USED = "used"
    REFUNDED = "refunded"  # paid for a recipient that was never tried
    REVOKED = "revoked"  # the purchase was undone
    EXPIRED = "expired"


INCOMING = frozenset(
    {EntryKind.BOUGHT, EntryKind.GRANTED, EntryKind.RECEIVED, EntryKind.RETURNED, EntryKind.REFUNDED}
)


class CreditLot(TenantBase):
    """Credits that came at once and lapse at once. `remaining` changes in the transaction of its entry alone.

    `cost`: what all of them were bought for, in minor units of `currency`; "" where nothing was paid.
    """

    __tablename__ = "credit_lot"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id"))
    credits: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[str] = mapped_column(Text)
    acquired_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    cost: Mapped[int] = mapped_column(BigInteger, server_default="0")
    currency: Mapped[str] = mapped_column(Text, server_default="")


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


class CreditTransfer(TenantBase):
    """Credits handed from one lot of the stock to one lot of a customer, or (below zero) taken back the same way.

    `cost`: the share of what the reseller has paid for them; `price`: of what it charges. Both have the sign of `credits`.
    """

    __tablename__ = "credit_transfer"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id"))
    stock_lot: Mapped[int] = mapped_column(BigInteger, ForeignKey("credit_lot.id"))
    customer_lot: Mapped[int] = mapped_column(BigInteger, ForeignKey("credit_lot.id"))
    credits: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[int] = mapped_column(BigInteger)
    cost_currency: Mapped[str] = mapped_column(Text)
    price: Mapped[int] = mapped_column(BigInteger)
    price_currency: Mapped[str] = mapped_column(Text)


class CreditRefund(TenantBase):
    """A recipient that was paid for, never tried, and given back; `lot_id` None: to the plan, 0: it was overage."""

    __tablename__ = "credit_refund"

    message_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    n: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger)
    lot_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


NO_PERIOD = datetime(1970, 1, 1, tzinfo=UTC)


class AccountMonth(TenantBase):
    """Recipients accepted in a calendar month of the account's time zone, `from_plan` of them covered by the plan.

    `overage` of them were neither included nor paid with credits: they are billed, see OverageTerms.
    A month has a row for each period of a plan that falls into it; `period`: when that began, NO_PERIOD without a plan.
    """

    __tablename__ = "account_month"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    period: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    accepted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    from_plan: Mapped[int] = mapped_column(BigInteger, server_default="0")
    overage: Mapped[int] = mapped_column(BigInteger, server_default="0")


class OverageTerms(TenantBase):
    """What overage of one period costs, in minor units for 1,000, and how many there may be; `most` None: no limit.

    Of all terms that held in the period the lowest price and the highest limit.
    """

    __tablename__ = "overage_terms"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    period: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    per_thousand: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    most: Mapped[int | None] = mapped_column(BigInteger)
