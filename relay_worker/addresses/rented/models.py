"""Rows of addresses that an order has got; the platform's."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import PlatformBase

_MOMENT = DateTime(timezone=True)


class RentedAddress(PlatformBase):
    """An address that an order has, until `returned_at`; `came_from`: the pool to which it goes back."""

    __tablename__ = "rented_address"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("platform.ip_order.id", ondelete="CASCADE"))
    ip_id: Mapped[int] = mapped_column(Integer, ForeignKey("platform.ip_address.id"))
    came_from: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("platform.ip_pool.id", ondelete="SET NULL")
    )
    handed_over_at: Mapped[datetime] = mapped_column(_MOMENT)
    returned_at: Mapped[datetime | None] = mapped_column(_MOMENT)
