"""Verbs on credits, inside a reseller's session; the caller commits. The debit at acceptance is in the database itself.

Every one of them holds the lock of acceptance on its accounts: while mail is being sent nothing is spent twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.ledger.books import FREE, Opening, enter, lock_accounts, open_lot
from billing.ledger.expiry import one_year_after
from billing.ledger.models import CreditLot, EntryKind, LotOrigin
from billing.money import Money
from platform_core.clock import Clock
from platform_core.errors import InvalidInput
from platform_core.ids import AccountId
from tenants.accounts.signals import announce_quota
from tenants.models import Account

MOST_CREDITS = 10**12  # far beyond any sale, and far below what a bigint holds
REFUNDS_AT_ONCE = 5000  # recipients; the account can't send meanwhile

_OPENED_BY = {LotOrigin.BOUGHT: EntryKind.BOUGHT, LotOrigin.GRANTED: EntryKind.GRANTED}


@dataclass(frozen=True, slots=True)
class Granted:
    """A lot that was made."""

    lot_id: int
    credits: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Revoked:
    """What was taken of a purchase that was undone, and what could not be: it is spent, handed over or lapsed."""

    taken: int
    missing: int


@dataclass(frozen=True, slots=True)
class Lapsed:
    """Lots whose time was up, and the credits that were left in them."""

    lots: int
    credits: int


def grant_credits(
    session: Session,
    account: Account,
    credits: int,
    *,
    clock: Clock,
    note: str = "",
    origin: Literal[LotOrigin.BOUGHT, LotOrigin.GRANTED] = LotOrigin.GRANTED,
    cost: Money | None = None,
) -> Granted:
    """Give an account a lot of credits that lapses in a year, with its ledger entry. Raises InvalidInput.

    `cost`: what was paid for all of them together.
    """
    check_credits(credits)
    if cost is not None and cost.amount < 0:
        raise InvalidInput("cost", "What credits have cost can't be negative.")
    now = clock.now()
    expires_at = one_year_after(now, account.time_zone)
    opening = Opening(origin, _OPENED_BY[origin], credits, expires_at, cost or FREE, note)
    lock_accounts(session, account.id)
    lot = open_lot(session, account.id, opening, now)
    announce_quota(session, account)
    return Granted(lot.id, lot.credits, lot.expires_at)


def revoke_bought(
    session: Session, lot_ids: Sequence[int], credits: int, *, clock: Clock, note: str
) -> Revoked:
    """Take the credits of a purchase away again as far as the lots still hold them: it was refunded or disputed.

    What the buyer has handed to its customers stays with them, for they have paid for it.
    """
    check_credits(credits)
    now = clock.now()
    lock_accounts(session, *_owners(session, lot_ids))
    taken = 0
    for lot in _still_open(session, lot_ids, now):
        part = min(lot.remaining, credits - taken)
        if part > 0:
            enter(session, lot, EntryKind.REVOKED, part, now, note=note)
            taken += part
    return Revoked(taken, credits - taken)


def record_lapsed(session: Session, *, clock: Clock) -> Lapsed:
    """Write down what was left in lots whose time is up, as of that instant. They can't be spent either way.

    Locks the accounts concerned. Doing it again changes nothing.
    """
    now = clock.now()
    lapsed = (CreditLot.expires_at <= now, CreditLot.remaining > 0)
    accounts = session.scalars(select(CreditLot.account_id).where(*lapsed).distinct()).all()
    if not accounts:
        return Lapsed(0, 0)
    lock_accounts(session, *accounts)
    query = select(CreditLot).where(*lapsed, CreditLot.account_id.in_(accounts)).order_by(CreditLot.id)
    lots = session.scalars(query.execution_options(populate_existing=True)).all()
    credits = sum(lot.remaining for lot in lots)
    for lot in lots:
        enter(session, lot, EntryKind.EXPIRED, lot.remaining, lot.expires_at)
    return Lapsed(len(lots), credits)


def refund_untried(session: Session, account: Account, *, clock: Clock) -> int:
    """Give back what was paid for recipients that ended before any server was asked; says how many, 0 when none is left.

    It goes to the lot that paid, to a new lot of a year where that one has lapsed, or to the plan's count of its month;
    each recipient once. At most REFUNDS_AT_ONCE a call: commit, and call again.
    """
    now = clock.now()
    refunded = session.scalar(
        select(func.refund_untried(account.id, now, one_year_after(now, account.time_zone), REFUNDS_AT_ONCE))
    )
    if refunded:
        session.expire_all()
        announce_quota(session, account)
    return int(refunded or 0)


def check_credits(credits: int) -> None:
    """Raises InvalidInput unless it is a number of credits that can change hands."""
    if not 0 < credits <= MOST_CREDITS:
        raise InvalidInput("credits", "The number of credits must be at least 1.")


def _owners(session: Session, lot_ids: Sequence[int]) -> Sequence[AccountId]:
    return session.scalars(select(CreditLot.account_id).where(CreditLot.id.in_(lot_ids)).distinct()).all()


def _still_open(session: Session, lot_ids: Sequence[int], now: datetime) -> Sequence[CreditLot]:
    query = select(CreditLot).where(CreditLot.id.in_(lot_ids), CreditLot.expires_at > now)
    ordered = query.order_by(CreditLot.expires_at, CreditLot.id)
    return session.scalars(ordered.execution_options(populate_existing=True)).all()
