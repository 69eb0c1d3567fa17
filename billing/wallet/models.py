"""Rows of wallets: one for each account that has one, and its entries."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import TenantBase
from platform_core.ids import AccountId


class WalletRow(TenantBase):
    """Says in which currency a wallet is kept, and is the lock of all its changes."""

    __tablename__ = "wallet"

    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class WalletEntry(TenantBase):
    """Signed minor units. Never changed, never removed; the balance is the sum of them.

    `agreed`: see `billing.invoices.agreed`; of charges that bear VAT alone.
    """

    __tablename__ = "wallet_entry"
    __table_args__ = (UniqueConstraint("account_id", "reason", "reference"),)

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("wallet.account_id"), primary_key=True
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    agreed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
