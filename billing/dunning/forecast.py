"""What of an account's credits will lapse unspent if it goes on as it does. A forecast; nothing is booked by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.ledger.models import CreditEntry, EntryKind
from billing.ledger.queries import Lot
from platform_core.ids import AccountId

LOOK_BACK = timedelta(days=30)
_SECOND = timedelta(seconds=1)
# What leaves a balance for good, and what comes back of it: a reseller's stock is spent by handing over, too.
_SPENT = (EntryKind.USED, EntryKind.REFUNDED, EntryKind.HANDED_OVER, EntryKind.RETURNED)


@dataclass(frozen=True, slots=True)
class LotForecast:
    """A lot, and how many of its credits will probably be left when it lapses."""

    lot: Lot
    will_lapse: int
    days_left: int


def present_rate(session: Session, account_id: AccountId, now: datetime) -> int:
    """Credits spent in the last 30 days, less what came back."""
    query = select(func.coalesce(-func.sum(CreditEntry.credits), 0)).where(
        CreditEntry.account_id == account_id,
        CreditEntry.kind.in_(_SPENT),
        CreditEntry.at > now - LOOK_BACK,
    )
    return max(int(session.scalar(query) or 0), 0)


def forecasts(lots: Sequence[Lot], rate: int, now: datetime) -> list[LotForecast]:
    """For lots in the order in which they lapse, which is that in which they are spent; lapsed ones are left out.

    `rate`: credits in 30 days. A lot gets what is left of the spending until its end once all before it have had theirs.
    """
    found, spent_before = [], 0
    for lot in lots:
        left = lot.expires_at - now
        if left <= timedelta():
            continue
        spendable = rate * (left // _SECOND) // (LOOK_BACK // _SECOND)
        spent = min(lot.remaining, max(spendable - spent_before, 0))
        spent_before += spent
        found.append(LotForecast(lot, lot.remaining - spent, left.days))
    return found
