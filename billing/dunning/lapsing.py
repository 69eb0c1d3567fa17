"""Warnings of lots that will lapse: 60, 30 and 7 days before, to who holds them and, of customers, to the reseller."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.dunning.forecast import LotForecast, forecasts, present_rate
from billing.dunning.notices import NoticeKind, make_notice
from billing.ledger.models import CreditLot
from billing.ledger.queries import lots_of
from platform_core.clock import Clock
from platform_core.ids import AccountId
from tenants.models import Account

DAYS_BEFORE = (7, 30, 60)


def warn_of_lapsing(session: Session, *, clock: Clock) -> int:
    """Have people told of each lot that has come within one of DAYS_BEFORE; says of how many. The caller commits."""
    soon = clock.now() + timedelta(days=DAYS_BEFORE[-1])
    query = select(CreditLot.account_id).where(
        CreditLot.remaining > 0, CreditLot.expires_at > clock.now(), CreditLot.expires_at <= soon
    )
    accounts = session.scalars(query.distinct().order_by(CreditLot.account_id)).all()
    return sum(_warn(session, session.get_one(Account, one), clock) for one in accounts)


def lapsing_lots(session: Session, account_id: AccountId, *, clock: Clock) -> list[LotForecast]:
    """The lots of an account that a warning is about."""
    now = clock.now()
    found = forecasts(lots_of(session, account_id), present_rate(session, account_id, now), now)
    return [one for one in found if one.lot.expires_at <= now + timedelta(days=DAYS_BEFORE[-1])]


def _warn(session: Session, account: Account, clock: Clock) -> int:
    """The narrowest mark counts: who got a lot a week before its end is not told of 60 days."""
    warned = 0
    for one in lapsing_lots(session, account.id, clock=clock):
        left = one.lot.expires_at - clock.now()
        mark = next(days for days in DAYS_BEFORE if left <= timedelta(days=days))
        reference = f"lot {one.lot.id}, {mark} days"
        warned += make_notice(session, account.id, NoticeKind.LAPSING, reference, clock=clock)
        if not account.is_main:
            make_notice(session, account.id, NoticeKind.CUSTOMERS_LAPSING, reference, clock=clock)
    return warned
