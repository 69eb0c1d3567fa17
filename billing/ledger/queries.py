"""Reads of credits and use, inside a reseller's session."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, text, true
from sqlalchemy.orm import InstrumentedAttribute, Session

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
    used = _counted(session, account, AccountMonth.accepted, AccountMonth.month == month)
    period, quota, overage_quota = _period_at(account, now)
    in_period = (
        AccountMonth.period == period,
        AccountMonth.month == month if period == NO_PERIOD else true(),
    )
    from_plan = _counted(session, account, AccountMonth.from_plan, *in_period)
    overage = _counted(session, account, AccountMonth.overage, *in_period)
    unspent = _unspent(session, account.id)
    return Usage(
        month=month,
        used=used - unspent.plan - unspent.credits,
        monthly_cap=account.monthly_cap,
        plan_quota=quota,
        plan_left=max(quota - from_plan + unspent.plan, 0),
        credits_left=credits_left(session, account.id, now) + unspent.credits,
        overage_left=max(overage_quota - overage, 0),
    )


def _period_at(account: Account, now: datetime) -> tuple[datetime, int, int]:
    """Under which period acceptance counts now, how many recipients are included in it, and how many may be overage."""
    if account.period_start is None or account.period_end is None:
        return NO_PERIOD, account.plan_quota, account.overage_quota
    if now < account.period_end:
        return account.period_start, account.plan_quota, account.overage_quota
    return account.period_end, account.next_quota or 0, account.next_overage_quota


@dataclass(frozen=True, slots=True)
class _Unspent:
    """Recipients that are allotted and not used yet, by who has paid for them."""

    plan: int = 0
    credits: int = 0


def _unspent(session: Session, account_id: AccountId) -> _Unspent:
    query = text("SELECT lot_id, remaining FROM open_allotments() WHERE account_id = :account_id")
    found = session.execute(query, {"account_id": account_id}).one_or_none()
    if found is None:
        return _Unspent()
    return _Unspent(plan=found.remaining) if found.lot_id is None else _Unspent(credits=found.remaining)


def _counted(
    session: Session,
    account: Account,
    column: InstrumentedAttribute[int],
    *where: ColumnElement[bool],
) -> int:
    query = select(func.coalesce(func.sum(column), 0)).where(AccountMonth.account_id == account.id, *where)
    return int(session.scalar(query) or 0)


def credits_left(session: Session, account_id: AccountId, now: datetime) -> int:
    """Credits that can be spent at `now`, over all lots."""
    query = select(func.coalesce(func.sum(CreditLot.remaining), 0)).where(
        CreditLot.account_id == account_id, CreditLot.expires_at > now
    )
    return int(session.scalar(query) or 0)


def lots_of(session: Session, account_id: AccountId) -> list[Lot]:
    """Every lot with credits left, the next to lapse first."""
    query = select(CreditLot).where(CreditLot.account_id == account_id, CreditLot.remaining > 0)
    found = session.scalars(query.order_by(CreditLot.expires_at, CreditLot.id))
    return [
        Lot(
            id=lot.id,
            origin=LotOrigin(lot.origin),
            credits=lot.credits,
            remaining=lot.remaining,
            acquired_at=lot.acquired_at,
            expires_at=lot.expires_at,
            cost=Money(lot.cost, lot.currency),
        )
        for lot in found
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
