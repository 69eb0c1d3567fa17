"""Reads of caps, inside a reseller's session."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.caps.models import AccountPace, CustomersMonth
from billing.ledger.queries import usage_of
from platform_core.clock import Clock
from tenants.accounts.queries import main_account
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class Caps:
    """An account's caps in recipients, each with what is used of it; None: no such cap. `per_minute`: the rate."""

    monthly: int | None
    used_this_month: int
    daily: int | None
    used_today: int | None
    per_minute: int | None


def caps_of(session: Session, account: Account, *, clock: Clock) -> Caps:
    """The account's caps and their use now. `used_today` is kept only while there is a daily cap."""
    pace = session.get(AccountPace, account.id, populate_existing=True)
    today = clock.now().astimezone(ZoneInfo(account.time_zone)).date()
    used_today = pace.accepted if pace and pace.day == today else 0
    return Caps(
        monthly=account.monthly_cap,
        used_this_month=usage_of(session, account, clock=clock).used,
        daily=account.daily_cap,
        used_today=None if account.daily_cap is None else used_today,
        per_minute=account.minute_rate,
    )


def customers_used(session: Session, *, clock: Clock) -> int:
    """What all sub-accounts have sent together this month, as far as it is counted: while there is a cap on it."""
    zone = ZoneInfo(main_account(session).time_zone)
    month = clock.now().astimezone(zone).date().replace(day=1)
    row = session.get(CustomersMonth, month, populate_existing=True)
    return row.accepted if row else 0
