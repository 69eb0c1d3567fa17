"""Verbs on credits, inside a reseller's session; the caller commits. The debit at acceptance is in the database itself."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.ledger.models import CreditEntry, CreditLot, EntryKind, LotOrigin
from platform_core.clock import Clock
from platform_core.errors import InvalidInput
from tenants.accounts.signals import announce_quota
from tenants.models import Account

MOST_CREDITS = 10**12  # far beyond any sale, and far below what a bigint holds


@dataclass(frozen=True, slots=True)
class Granted:
    """A lot that was made."""

    lot_id: int
    credits: int
    expires_at: datetime


def grant_credits(
    session: Session, account: Account, credits: int, *, clock: Clock, note: str = ""
) -> Granted:
    """Give an account a lot of credits that lapses in a year, with its ledger entry. Raises InvalidInput."""
    if not 0 < credits <= MOST_CREDITS:
        raise InvalidInput("credits", "The number of credits must be at least 1.")
    now = clock.now()
    lot = CreditLot(
        account_id=account.id,
        credits=credits,
        remaining=credits,
        origin=LotOrigin.GRANTED,
        acquired_at=now,
        expires_at=one_year_after(now, account.time_zone),
    )
    session.add(lot)
    session.flush()
    session.add(
        CreditEntry(
            account_id=account.id, lot_id=lot.id, kind=EntryKind.GRANTED, credits=credits, at=now, note=note
        )
    )
    session.flush()
    announce_quota(session, account)
    return Granted(lot.id, credits, lot.expires_at)


def one_year_after(at: datetime, time_zone: str) -> datetime:
    """The same wall-clock instant a year later in the account's time zone; 29 February lapses on 28 February."""
    local = at.astimezone(ZoneInfo(time_zone))
    leap_day = local.month == 2 and local.day == 29
    later = local.replace(year=local.year + 1, day=28 if leap_day else local.day)
    return later.astimezone(at.tzinfo)
