"""Reads of credits and use, inside a reseller's session."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, ScalarSelect, Select, cast, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from billing.ledger.allotted import ALLOTTED, LEFT_IN_LOT, OF_LOT
from billing.ledger.models import NO_PERIOD, AccountMonth, CreditEntry, CreditLot, EntryKind, LotOrigin
from billing.money import Money
from platform_core.clock import Clock
from platform_core.ids import AccountId
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account may still send, in recipients: `used` of the month's cap, `plan_left` of the plan's period.

    `credits_left` counts lots that have not lapsed. `overage_left`: what may come beyond all of these in this period.
    """

    month: date
    used: int
    monthly_cap: int | None
    plan_quota: int
    plan_left: int
    credits_left: int
    overage_left: int = 0

    @property
    def share_of_cap(self) -> float | None:
        """Used share of the cap, 0.0 to 1.0 and never above; None without a cap."""
        if self.monthly_cap is None:
            return None
        return min(self.used / self.monthly_cap, 1.0) if self.monthly_cap else 1.0


@dataclass(frozen=True, slots=True)
class Lot:
    """Credits that came at once. `cost`: what all `credits` of it were bought for; of currency "" where nothing was paid."""

    id: int
    origin: LotOrigin
    credits: int
    remaining: int
    acquired_at: datetime
    expires_at: datetime
    cost: Money


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger; `credits` is below zero where they went."""

    id: int
    at: datetime
    kind: EntryKind
    credits: int
    lot_id: int
    note: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are meant: those that fit everything given. `until` is not included; `before`: older than that id."""

    kinds: frozenset[EntryKind] = frozenset()
    lot_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


def usage_of(session: Session, account: Account, *, clock: Clock) -> Usage:
    """This month's use and what is left. What is allotted and not used yet is still left, though the books have counted it."""
    now = clock.now()
    month = now.astimezone(ZoneInfo(account.time_zone)).date().replace(day=1)
    period, quota, overage_quota = _period_at(account, now)
    in_period = (
        AccountMonth.period == period,
        AccountMonth.month == month if period == NO_PERIOD else true(),
    )
    # One statement, which sees one state of the books.
    found = session.execute(
        select(
            _counted(account, AccountMonth.accepted, AccountMonth.month == month).label("used"),
            _counted(account, AccountMonth.from_plan, *in_period).label("from_plan"),
            _counted(account, AccountMonth.overage, *in_period).label("overage"),
            _allotted(account, ALLOTTED.c.lot_id.is_(None)).label("allotted_of_plan"),
            _allotted(account).label("allotted"),
            _credits_left(account.id, now).label("credits"),
        )
    ).one()
    return Usage(
        month=month,
        used=found.used - found.allotted,
        monthly_cap=account.monthly_cap,
        plan_quota=quota,
        plan_left=max(quota - found.from_plan + found.allotted_of_plan, 0),
        credits_left=found.credits,
        overage_left=max(overage_quota - found.overage, 0),
    )


def _period_at(account: Account, now: datetime) -> tuple[datetime, int, int]:
    """Under which period acceptance counts now, how many recipients are included in it, and how many may be overage."""
    if account.period_start is None or account.period_end is None:
        return NO_PERIOD, account.plan_quota, account.overage_quota
    if now < account.period_end:
        return account.period_start, account.plan_quota, account.overage_quota
    return account.period_end, account.next_quota or 0, account.next_overage_quota


def _counted(
    account: Account, column: InstrumentedAttribute[int], *where: ColumnElement[bool]
) -> ScalarSelect[int]:
    return _sum(column).where(AccountMonth.account_id == account.id, *where).scalar_subquery()


def _allotted(account: Account, *where: ColumnElement[bool]) -> ScalarSelect[int]:
    return _sum(ALLOTTED.c.remaining).where(ALLOTTED.c.account_id == account.id, *where).scalar_subquery()


def credits_left(session: Session, account_id: AccountId, now: datetime) -> int:
    """Credits that can be spent at `now`, over all lots, with what is allotted of them and not used yet."""
    return session.scalars(select(_credits_left(account_id, now))).one()


def _credits_left(account_id: AccountId, now: datetime) -> ScalarSelect[int]:
    query = _sum(LEFT_IN_LOT).select_from(CreditLot).outerjoin(ALLOTTED, OF_LOT)
    return query.where(CreditLot.account_id == account_id, CreditLot.expires_at > now).scalar_subquery()


def _sum(column: ColumnElement[int] | InstrumentedAttribute[int]) -> Select[int]:
    return select(cast(func.coalesce(func.sum(column), 0), BigInteger))


def lots_of(session: Session, account_id: AccountId) -> list[Lot]:
    """Every lot with credits left, the next to lapse first; what is allotted of it and not used yet is left, too."""
    query = (
        select(CreditLot, LEFT_IN_LOT)
        .outerjoin(ALLOTTED, OF_LOT)
        .where(CreditLot.account_id == account_id, LEFT_IN_LOT > 0)
    )
    found = session.execute(query.order_by(CreditLot.expires_at, CreditLot.id))
    return [
        Lot(
            id=lot.id,
            origin=LotOrigin(lot.origin),
            credits=lot.credits,
            remaining=left,
            acquired_at=lot.acquired_at,
            expires_at=lot.expires_at,
            cost=Money(lot.cost, lot.currency),
        )
        for lot, left in found
    ]


def entries_of(
    session: Session, account_id: AccountId, *, limit: int = 100, wanted: Wanted | None = None
) -> list[Entry]:
    """The newest lines of the ledger, of those that are wanted."""
    conditions = _conditions(wanted) if wanted else []
    query = select(CreditEntry).where(CreditEntry.account_id == account_id, *conditions)
    found = session.scalars(query.order_by(CreditEntry.id.desc()).limit(limit))
    return [
        Entry(line.id, line.at, EntryKind(line.kind), line.credits, line.lot_id, line.note) for line in found
    ]


def takeable_back(session: Session, account_id: AccountId, now: datetime) -> int:
    """Credits that the reseller may take back: handed over, unspent and not lapsed."""
    query = select(func.coalesce(func.sum(CreditLot.remaining), 0)).where(
        CreditLot.account_id == account_id,
        CreditLot.expires_at > now,
        CreditLot.origin == LotOrigin.HANDED_OVER,
    )
    return int(session.scalar(query) or 0)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    return [
        *([CreditEntry.kind.in_(wanted.kinds)] if wanted.kinds else []),
        *([CreditEntry.lot_id == wanted.lot_id] if wanted.lot_id is not None else []),
        *([CreditEntry.at >= wanted.since] if wanted.since else []),
        *([CreditEntry.at < wanted.until] if wanted.until else []),
        *([CreditEntry.id < wanted.before] if wanted.before is not None else []),
    ]
