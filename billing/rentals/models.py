"""Rows of rentals, inside a reseller's schema."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from billing.money import Money
from platform_core.database import TenantBase
from platform_core.ids import AccountId

_MOMENT = DateTime(timezone=True)


class IpRental(TenantBase):
    """Dedicated IPs that an account has by the month; `id` is that of the payment for the first. The row is its lock.

    `price`: of all `addresses` for a month, before VAT. Periods are counted as those of plans; `paid`: this one is.
    `for_rental`: it is what that rental of a customer costs the reseller; see `billing.rentals.handed_on`.
    """

    __tablename__ = "ip_rental"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id", ondelete="CASCADE"))
    for_rental: Mapped[UUID | None] = mapped_column(
        ForeignKey("ip_rental.id", ondelete="CASCADE"), unique=True
    )
    addresses: Mapped[int] = mapped_column(Integer)
    price: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    status_since: Mapped[datetime] = mapped_column(_MOMENT)
    cancelled: Mapped[bool] = mapped_column(server_default="false")
    paid: Mapped[bool]
    anchor_on: Mapped[date] = mapped_column(Date)
    periods: Mapped[int] = mapped_column(Integer)
    period_start: Mapped[datetime] = mapped_column(_MOMENT)
    period_end: Mapped[datetime] = mapped_column(_MOMENT)

    @property
    def money(self) -> Money:
        """For a month, before VAT."""
        return Money(self.price, self.currency)

    @property
    def words(self) -> str:
        """What it is."""
        return "Dedicated IP" if self.addresses == 1 else f"{self.addresses} dedicated IPs"
