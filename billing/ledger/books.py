"""What every change of the books is made of: accounts that are locked, lots that are open, a lot and its entry."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.ledger.models import INCOMING, CreditEntry, CreditLot, EntryKind, LotOrigin
from billing.money import Money
from platform_core.ids import AccountId
from tenants.models import Account

FREE = Money(0, "")


@dataclass(frozen=True, slots=True)
class Opening:
    """A lot to be made, and the line with which it opens."""

    origin: LotOrigin
    kind: EntryKind
    credits: int
    expires_at: datetime
    cost: Money = FREE
    note: str = ""


def lock_accounts(session: Session, *account_ids: AccountId) -> None:
    """Keep acceptance, and everybody else who changes these accounts' credits, waiting until the transaction ends.

    It is the lock that acceptance takes, in the order of the ids, so that nobody waits in a circle.
    """
    rows = select(Account.id).where(Account.id.in_(account_ids)).order_by(Account.id)
    session.execute(rows.with_for_update(key_share=True)).all()


def open_lots(session: Session, account_id: AccountId, now: datetime) -> list[CreditLot]:
    """The lots that can be spent, in the order in which they are, as they stand after the lock."""
    query = (
        select(CreditLot)
        .where(CreditLot.account_id == account_id, CreditLot.remaining > 0, CreditLot.expires_at > now)
        .order_by(CreditLot.expires_at, CreditLot.id)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))


def open_lot(session: Session, account_id: AccountId, opening: Opening, at: datetime) -> CreditLot:
    """A lot with its first entry."""
    lot = CreditLot(
        account_id=account_id,
        credits=opening.credits,
        remaining=0,
        origin=opening.origin,
        acquired_at=at,
        expires_at=opening.expires_at,
        cost=opening.cost.amount,
        currency=opening.cost.currency,
    )
    session.add(lot)
    session.flush()
    enter(session, lot, opening.kind, opening.credits, at, note=opening.note)
    return lot


def enter(
    session: Session, lot: CreditLot, kind: EntryKind, credits: int, at: datetime, *, note: str = ""
) -> None:
    """Move `credits` (above 0) into a lot or out of it, as the kind has it, together with the line that says so."""
    signed = credits if kind in INCOMING else -credits
    lot.remaining += signed
    session.add(
        CreditEntry(account_id=lot.account_id, lot_id=lot.id, kind=kind, credits=signed, at=at, note=note)
    )
    session.flush()
