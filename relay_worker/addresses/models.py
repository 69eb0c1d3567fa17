"""Rows of our addresses. They are the platform's: a reseller sees its own through queries only."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, DateTime, FetchedValue, ForeignKey, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from platform_core.database import PlatformBase
from platform_core.ids import AccountId, ResellerId
from relay_worker.addresses.states import AddressState, PoolKind, PtrState, Standing

_MOMENT = DateTime(timezone=True)


class IpPool(PlatformBase):
    """Addresses that the same senders use. `fallback_id`: the pool that takes what this one can't send now."""

    __tablename__ = "ip_pool"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    reseller_id: Mapped[ResellerId | None] = mapped_column(
        Integer, ForeignKey("platform.reseller.id", ondelete="SET NULL")
    )
    fallback_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("platform.ip_pool.id", ondelete="SET NULL")
    )
    is_default: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())

    @property
    def kind(self) -> PoolKind:
        return PoolKind.SHARED if self.reseller_id is None else PoolKind.DEDICATED

    def serves(self, reseller_id: ResellerId) -> bool:
        """Whether this reseller may be assigned to it."""
        return self.reseller_id in (None, reseller_id)


class IpAddress(PlatformBase):
    """One of our addresses, in its canonical form; `helo` is what it calls itself, and what its PTR should say."""

    __tablename__ = "ip_address"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    address: Mapped[str] = mapped_column(Text, unique=True)
    pool_id: Mapped[int] = mapped_column(Integer, ForeignKey("platform.ip_pool.id"))
    helo: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default=AddressState.ACTIVE)
    peak_per_day: Mapped[int | None] = mapped_column(Integer)
    standing: Mapped[str] = mapped_column(Text, server_default=Standing.SOUND)
    ptr_state: Mapped[str] = mapped_column(Text, server_default=PtrState.UNKNOWN)
    ptr_name: Mapped[str] = mapped_column(Text, server_default="")
    helo_confirmed: Mapped[bool | None]
    listings: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    checked_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())
    absent_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    pool: Mapped[IpPool] = relationship()


class PoolAssignment(PlatformBase):
    """Who sends from a pool; `account_id` None: all of the reseller that have no pool of their own."""

    __tablename__ = "pool_assignment"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    reseller_id: Mapped[ResellerId] = mapped_column(
        Integer, ForeignKey("platform.reseller.id", ondelete="CASCADE")
    )
    account_id: Mapped[AccountId | None] = mapped_column(BigInteger)
    pool_id: Mapped[int] = mapped_column(Integer, ForeignKey("platform.ip_pool.id"))
    pool: Mapped[IpPool] = relationship()


class IpWarmup(PlatformBase):
    """Where an address stands on the ladder for one provider. `moved_on`: when it last came to another stage."""

    __tablename__ = "ip_warmup"

    ip_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("platform.ip_address.id", ondelete="CASCADE"), primary_key=True
    )
    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    stage: Mapped[int] = mapped_column(SmallInteger)
    per_day: Mapped[int] = mapped_column(Integer)
    started_on: Mapped[date] = mapped_column(Date)
    moved_on: Mapped[date] = mapped_column(Date)
    judged_on: Mapped[date] = mapped_column(Date)
    finished_on: Mapped[date | None] = mapped_column(Date)


class IpWarmupDay(PlatformBase):
    """One day (UTC) of a warm-up. `taken`: recipients that workers took the allowance for."""

    __tablename__ = "ip_warmup_day"

    ip_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("platform.ip_address.id", ondelete="CASCADE"), primary_key=True
    )
    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    stage: Mapped[int] = mapped_column(SmallInteger)
    per_day: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer, server_default="0")
    verdict: Mapped[str] = mapped_column(Text, server_default="")


class IpResult(PlatformBase):
    """What came of attempts from an address to one provider in one hour, in recipients."""

    __tablename__ = "ip_result"

    ip_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("platform.ip_address.id", ondelete="CASCADE"), primary_key=True
    )
    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    hour: Mapped[datetime] = mapped_column(_MOMENT, primary_key=True)
    delivered: Mapped[int] = mapped_column(BigInteger, server_default="0")
    deferred: Mapped[int] = mapped_column(BigInteger, server_default="0")
    throttled: Mapped[int] = mapped_column(BigInteger, server_default="0")
    blocked: Mapped[int] = mapped_column(BigInteger, server_default="0")
    bounced: Mapped[int] = mapped_column(BigInteger, server_default="0")
    complained: Mapped[int] = mapped_column(BigInteger, server_default="0")


class DnsblZone(PlatformBase):
    """A DNS block list that we look into. `source`: where its rules are from, and when they were read."""

    __tablename__ = "dnsbl_zone"

    zone: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    effect: Mapped[str] = mapped_column(Text)
    ipv6: Mapped[bool] = mapped_column(server_default="false")
    source: Mapped[str] = mapped_column(Text, server_default="")
