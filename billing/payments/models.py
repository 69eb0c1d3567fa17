"""Rows of payments: the platform's prices, events, routes and orders; inside a reseller prices, payments and cards."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, ForeignKey, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.money import Money
from billing.payments.states import EventState, OrderState, PaymentState
from platform_core.database import PlatformBase, TenantBase
from platform_core.ids import AccountId, ResellerId

_MOMENT = DateTime(timezone=True)


class PlatformPrice(PlatformBase):
    """What the platform asks of resellers; see the migration for the meaning of its columns."""

    __tablename__ = "price"
    __table_args__ = (
        UniqueConstraint("reseller_id", "good", "currency", "from_units", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    reseller_id: Mapped[ResellerId | None] = mapped_column(
        Integer, ForeignKey("platform.reseller.id", ondelete="CASCADE")
    )
    good: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    from_units: Mapped[int] = mapped_column(BigInteger, server_default="1")
    amount: Mapped[int] = mapped_column(BigInteger)


class StripeEvent(PlatformBase):
    """One event as it came, and what became of it."""

    __tablename__ = "stripe_event"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Text, server_default="")
    payload: Mapped[str] = mapped_column(Text)
    happened_at: Mapped[datetime] = mapped_column(_MOMENT)
    received_at: Mapped[datetime] = mapped_column(_MOMENT)
    state: Mapped[str] = mapped_column(Text, server_default=EventState.RECEIVED)
    reseller_id: Mapped[ResellerId | None] = mapped_column(
        Integer, ForeignKey("platform.reseller.id", ondelete="SET NULL")
    )
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    settled_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    problem: Mapped[str] = mapped_column(Text, server_default="")


class StripeRoute(PlatformBase):
    """Whose a customer, a payment intent or a connected account is."""

    __tablename__ = "stripe_route"

    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    reseller_id: Mapped[ResellerId] = mapped_column(
        Integer, ForeignKey("platform.reseller.id", ondelete="CASCADE")
    )


class IpOrder(PlatformBase):
    """Dedicated IPs that were paid for and that staff has to assign."""

    __tablename__ = "ip_order"
    __table_args__ = (UniqueConstraint("reseller_id", "payment_id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    reseller_id: Mapped[ResellerId] = mapped_column(
        Integer, ForeignKey("platform.reseller.id", ondelete="CASCADE")
    )
    account_id: Mapped[AccountId] = mapped_column(BigInteger)
    payment_id: Mapped[UUID]
    addresses: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text, server_default=OrderState.ORDERED)
    ordered_at: Mapped[datetime] = mapped_column(_MOMENT)
    closed_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class IpPrice(TenantBase):
    """What a dedicated IP costs a customer; the main account's row is the list price of all the others."""

    __tablename__ = "ip_price"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(_MOMENT)


class SellerRow(TenantBase):
    """The reseller's own account at the payment service. `told_at`: of the newest event about it."""

    __tablename__ = "seller"

    only_row: Mapped[bool] = mapped_column(primary_key=True, default=True)
    stripe_account: Mapped[str] = mapped_column(Text, unique=True)
    currency: Mapped[str] = mapped_column(Text)
    charges_enabled: Mapped[bool] = mapped_column(server_default="false")
    details_submitted: Mapped[bool] = mapped_column(server_default="false")
    told_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    connected_at: Mapped[datetime] = mapped_column(_MOMENT)


class PaymentCustomer(TenantBase):
    """An account as a customer of the platform (stripe_account "") or of its reseller."""

    __tablename__ = "payment_customer"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    stripe_account: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    customer: Mapped[str] = mapped_column(Text, unique=True)


class Card(TenantBase):
    """A saved card, as events tell of it. A removed one stays as a row, so that late news can't bring it back."""

    __tablename__ = "card"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id", ondelete="CASCADE"))
    stripe_account: Mapped[str] = mapped_column(Text, server_default="")
    brand: Mapped[str] = mapped_column(Text)
    last4: Mapped[str] = mapped_column(Text)
    exp_month: Mapped[int] = mapped_column(SmallInteger)
    exp_year: Mapped[int] = mapped_column(SmallInteger)
    told_at: Mapped[datetime] = mapped_column(_MOMENT)
    removed_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class Payment(TenantBase):
    """One thing bought with money from outside; see the migration for the meaning of its columns."""

    __tablename__ = "payment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id"))
    origin: Mapped[str] = mapped_column(Text)
    good: Mapped[str] = mapped_column(Text)
    units: Mapped[int] = mapped_column(BigInteger)
    item: Mapped[str] = mapped_column(Text, server_default="")
    description: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    asked: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger, server_default="0")
    agreed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    stripe_account: Mapped[str] = mapped_column(Text, server_default="")
    card_id: Mapped[str | None] = mapped_column(Text)
    checkout: Mapped[str | None] = mapped_column(Text, unique=True)
    intent: Mapped[str | None] = mapped_column(Text, unique=True)
    state: Mapped[str] = mapped_column(Text, server_default=PaymentState.OPEN)
    paid: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refunded: Mapped[int] = mapped_column(BigInteger, server_default="0")
    delivered: Mapped[int] = mapped_column(BigInteger, server_default="0")
    taken_back: Mapped[int] = mapped_column(BigInteger, server_default="0")
    missing: Mapped[int] = mapped_column(BigInteger, server_default="0")
    lots: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    problem: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    paid_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    delivered_at: Mapped[datetime | None] = mapped_column(_MOMENT)

    @property
    def price(self) -> Money:
        """What the buyer was asked for, VAT included."""
        return Money(self.asked, self.currency)


class Dispute(TenantBase):
    """A buyer's bank wants a payment back."""

    __tablename__ = "dispute"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payment.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    opened_at: Mapped[datetime] = mapped_column(_MOMENT)
    closed_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class TopUpRule(TenantBase):
    """Buy `units` of `good` with a saved card whenever less than `threshold` of it is left."""

    __tablename__ = "top_up_rule"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    good: Mapped[str] = mapped_column(Text)
    threshold: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(BigInteger)
    daily_ceiling: Mapped[int] = mapped_column(BigInteger)
    card_id: Mapped[str] = mapped_column(Text, ForeignKey("card.id"))
    state: Mapped[str] = mapped_column(Text)
    off_because: Mapped[str] = mapped_column(Text, server_default="")
    changed_at: Mapped[datetime] = mapped_column(_MOMENT)
    told_at: Mapped[datetime | None] = mapped_column(_MOMENT)
