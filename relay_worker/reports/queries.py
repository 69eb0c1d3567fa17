"""Figures of a day, read from the hourly counts; every figure counts recipients."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from platform_core.ids import AccountId, ResellerId
from relay_worker.queue.figures import queue_figures


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day of one account or of many. `in_queue` is now, whatever the day; `failed` is bounced or expired."""

    sent: int
    delivered: int
    deferred: int
    bounced_hard: int
    bounced_soft: int
    expired: int
    dropped: int
    in_queue: int

    @property
    def failed(self) -> int:
        return self.bounced_hard + self.bounced_soft + self.expired

    @property
    def delivery_rate(self) -> float | None:
        """Delivered out of what came to an end that day, 0 to 1; None while nothing has."""
        ended = self.delivered + self.failed
        return self.delivered / ended if ended else None


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """A sub-account in a list, with its day so far."""

    id: AccountId
    name: str
    active: bool
    monthly_cap: int | None
    used_this_month: int
    created_at: datetime
    today: DayFigures


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """What waits for one reseller: recipients, and since when the oldest of them."""

    reseller_id: ResellerId
    recipients: int
    oldest_at: datetime


# A recipient is accepted once and ends once, so that the difference over all hours is what still waits.
_SUMS = """
    coalesce(sum(s.accepted) FILTER (WHERE today), 0)::bigint AS sent,
    coalesce(sum(s.delivered) FILTER (WHERE today), 0)::bigint AS delivered,
    coalesce(sum(s.deferred) FILTER (WHERE today), 0)::bigint AS deferred,
    coalesce(sum(s.bounced_hard) FILTER (WHERE today), 0)::bigint AS bounced_hard,
    coalesce(sum(s.bounced_soft) FILTER (WHERE today), 0)::bigint AS bounced_soft,
    coalesce(sum(s.expired) FILTER (WHERE today), 0)::bigint AS expired,
    coalesce(sum(s.dropped) FILTER (WHERE today), 0)::bigint AS dropped,
    greatest(coalesce(sum(s.accepted - s.delivered - s.bounced_hard - s.bounced_soft - s.expired - s.discarded), 0), 0)
        ::bigint AS in_queue
"""

_ONE_ACCOUNT = text(f"""
    SELECT {_SUMS} FROM account a
    LEFT JOIN stats_hour s ON s.account_id = a.id
    CROSS JOIN LATERAL (SELECT s.hour >= date_trunc('day', CAST(:now AS timestamptz), a.time_zone) AS today) d
    WHERE a.id = :account_id
""")  # noqa: S608 - the figures above, no input

_SUB_ACCOUNTS = text(f"""
    SELECT a.id, a.name, a.state, a.monthly_cap, a.created_at,
           coalesce((SELECT sum(m.accepted) FROM account_month m WHERE m.account_id = a.id
               AND m.month = date_trunc('month', CAST(:now AS timestamptz) AT TIME ZONE a.time_zone)), 0)
               - coalesce((SELECT o.remaining FROM open_allotments() o WHERE o.account_id = a.id), 0) AS used,
           {_SUMS}
    FROM account a
    LEFT JOIN stats_hour s ON s.account_id = a.id
    CROSS JOIN LATERAL (SELECT s.hour >= date_trunc('day', CAST(:now AS timestamptz), a.time_zone) AS today) d
    WHERE a.kind = 'sub' AND position(lower(:name) IN lower(a.name)) > 0
    GROUP BY a.id
    ORDER BY sent DESC, lower(a.name), a.id
    LIMIT :most
""")  # noqa: S608 - the figures above, no input

_WHOLE_RESELLER = text(f"""
    SELECT {_SUMS} FROM stats_hour s
    CROSS JOIN LATERAL (SELECT s.hour >= date_trunc('day', CAST(:now AS timestamptz), 'UTC') AS today) d
""")  # noqa: S608 - the figures above, no input


def figures_today(session: Session, account_id: AccountId, now: datetime) -> DayFigures:
    """The account's day so far; the day begins at midnight in the account's time zone."""
    return _day(session.execute(_ONE_ACCOUNT, {"account_id": account_id, "now": now}).one())


def sub_accounts_today(
    session: Session, now: datetime, *, name: str = "", most: int = 100
) -> list[AccountFigures]:
    """Sub-accounts whose name contains `name`, busiest today first, `most` at the most."""
    rows: Sequence[Row[tuple[object, ...]]] = session.execute(
        _SUB_ACCOUNTS, {"now": now, "name": name, "most": most}
    ).all()
    return [
        AccountFigures(
            id=row.id,
            name=row.name,
            active=row.state == "active",
            monthly_cap=row.monthly_cap,
            used_this_month=row.used,
            created_at=row.created_at,
            today=_day(row),
        )
        for row in rows
    ]


def reseller_today(session: Session, now: datetime) -> DayFigures:
    """All accounts of the reseller together; the day begins at midnight UTC."""
    return _day(session.execute(_WHOLE_RESELLER, {"now": now}).one())


def queue_depths(session: Session) -> list[QueueDepth]:
    """What waits, for each reseller that has anything waiting, oldest first; as fresh as `queue_figures`. Commits."""
    return [
        QueueDepth(one.reseller_id, one.depth.recipients, one.oldest_at)
        for one in queue_figures(session).resellers
    ]


def _day(row: Row[tuple[object, ...]]) -> DayFigures:
    return DayFigures(
        sent=row.sent,
        delivered=row.delivered,
        deferred=row.deferred,
        bounced_hard=row.bounced_hard,
        bounced_soft=row.bounced_soft,
        expired=row.expired,
        dropped=row.dropped,
        in_queue=row.in_queue,
    )
