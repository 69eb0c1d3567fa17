"""Reads of wallets, inside a reseller's session."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.money import Money
from billing.wallet.models import WalletEntry, WalletRow
from platform_core.ids import AccountId
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class Wallet:
    """What is in it; None: the account has never had one, so nobody knows in which currency it would be."""

    account_id: AccountId
    balance: Money | None


@dataclass(frozen=True, slots=True)
class WalletLine:
    """One entry as people see it, with the balance after it. `amount` is signed."""

    id: int
    at: datetime
    amount: Money
    balance: Money
    reason: str
    reference: str
    note: str


def wallet_of(session: Session, account: Account) -> Wallet:
    """The wallet of an account, which may have none yet."""
    row = session.get(WalletRow, account.id)
    return Wallet(account.id, balance_of(session, row) if row else None)


def balance_of(session: Session, row: WalletRow) -> Money:
    """The sum of a wallet's entries."""
    query = select(func.coalesce(func.sum(WalletEntry.amount), 0))
    return Money(
        int(session.scalar(query.where(WalletEntry.account_id == row.account_id)) or 0), row.currency
    )


def wallet_lines(session: Session, account: Account, *, limit: int = 100) -> list[WalletLine]:
    """The newest entries of an account's wallet, newest first."""
    row = session.get(WalletRow, account.id)
    if row is None:
        return []
    running = func.sum(WalletEntry.amount).over(order_by=WalletEntry.id).label("running")
    query = select(WalletEntry, running).where(WalletEntry.account_id == account.id)
    return [
        WalletLine(
            entry.id,
            entry.at,
            Money(entry.amount, row.currency),
            Money(int(after), row.currency),
            entry.reason,
            entry.reference,
            entry.note,
        )
        for entry, after in session.execute(query.order_by(WalletEntry.id.desc()).limit(limit))
    ]
