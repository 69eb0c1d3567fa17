"""What is to be told by mail: written down when it becomes true, and told once."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.dunning.models import BillingNotice
from platform_core.clock import Clock
from platform_core.ids import AccountId

# Later it is no news, and may be wrong.
TELL_WITHIN = timedelta(days=3)


class NoticeKind(StrEnum):
    """Each is also the name of its letter's folder. CUSTOMERS_LAPSING tells a reseller of a customer's credits.

    IPS_WITHDRAWN: it was the reseller that had not paid, not the customer who is told.
    """

    REMINDER = "payment_reminder"
    GRACE = "payment_grace"
    SUSPENSION = "payment_suspension"
    IPS_RETURNED = "ips_returned"
    IPS_WITHDRAWN = "ips_withdrawn"
    LAPSING = "credits_lapsing"
    CUSTOMERS_LAPSING = "customers_credits_lapsing"


# What is about payments: the seller tells it, to the address for invoices, too.
PAYMENT = frozenset(
    {
        NoticeKind.REMINDER,
        NoticeKind.GRACE,
        NoticeKind.SUSPENSION,
        NoticeKind.IPS_RETURNED,
        NoticeKind.IPS_WITHDRAWN,
    }
)


def make_notice(
    session: Session, account_id: AccountId, kind: NoticeKind, reference: str, *, clock: Clock
) -> bool:
    """Have it told; False when it was before."""
    new = insert(BillingNotice).values(
        account_id=account_id, kind=kind, reference=reference, made_at=clock.now()
    )
    made = new.on_conflict_do_nothing().returning(BillingNotice.account_id)
    return session.scalar(made) is not None


def untold(session: Session, *, clock: Clock) -> Sequence[BillingNotice]:
    """What is to be told now, by account and kind."""
    query = select(BillingNotice).where(
        BillingNotice.told_at.is_(None), BillingNotice.made_at > clock.now() - TELL_WITHIN
    )
    ordered = query.order_by(BillingNotice.account_id, BillingNotice.kind, BillingNotice.reference)
    return session.scalars(ordered).all()
