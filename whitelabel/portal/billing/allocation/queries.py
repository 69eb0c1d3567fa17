"""What customers hold, inside a reseller's session, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from billing.ledger.allotted import ALLOTTED, LEFT_IN_LOT, OF_LOT
from billing.ledger.models import CreditLot, LotOrigin
from platform_core.ids import AccountId
from tenants.models import Account, AccountKind

MOST = 500


@dataclass(frozen=True, slots=True)
class Holding:
    """A customer's credits that have not lapsed; `takeable` of them were handed over, and are in the books at this moment.

    `next_expiry`: of the first to lapse.
    """

    id: AccountId
    name: str
    credits: int
    takeable: int
    next_expiry: datetime | None


def holdings(session: Session, now: datetime) -> Sequence[Holding]:
    """Every customer by name, those without credits as well."""
    handed = func.sum(CreditLot.remaining).filter(CreditLot.origin == LotOrigin.HANDED_OVER)
    alive = and_(CreditLot.account_id == Account.id, CreditLot.expires_at > now)
    query = (
        select(
            Account.id,
            Account.name,
            func.coalesce(func.sum(LEFT_IN_LOT), 0),
            func.coalesce(handed, 0),
            func.min(CreditLot.expires_at).filter(LEFT_IN_LOT > 0),
        )
        .outerjoin(CreditLot, alive)
        .outerjoin(ALLOTTED, OF_LOT)
        .where(Account.kind == AccountKind.SUB)
        .group_by(Account.id)
        .order_by(Account.name, Account.id)
        .limit(MOST)
    )
    return [
        Holding(id_, name, int(credits), int(takeable), lapses)
        for id_, name, credits, takeable, lapses in session.execute(query)
    ]
