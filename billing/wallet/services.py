"""Verbs on wallets, inside a reseller's session; the caller commits."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.invoices.agreed import Agreed, to_json
from billing.money import Money
from billing.wallet.models import WalletEntry, WalletRow
from billing.wallet.queries import balance_of
from platform_core.clock import Clock
from platform_core.errors import InsufficientFunds, InvalidInput
from tenants.models import Account


class WalletReason(StrEnum):
    """Why money came or went. Together with a reference it is there once only.

    SPENT is what a payment was made with, whose row says for what; BOUGHT and CHARGED stand for themselves.
    """

    PAID_IN = "paid_in"
    SPENT = "spent"
    BOUGHT = "bought"
    REFUNDED = "refunded"
    CHARGED = "charged"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class WalletChange:
    """What a verb has done. `written`: False when this reason and reference were there already."""

    balance: Money
    written: bool


def credit_wallet(
    session: Session,
    account: Account,
    money: Money,
    *,
    reason: WalletReason,
    reference: str,
    clock: Clock,
    note: str = "",
) -> WalletChange:
    """Put money in, once for each reason and reference; opens the wallet where there is none.

    Locks the wallet. Raises InvalidInput for a sum that is not positive, or for another currency than the wallet's.
    """
    return _change(session, account, _positive(money), reason, reference, clock, note)


def charge_wallet(
    session: Session,
    account: Account,
    money: Money,
    *,
    reason: WalletReason,
    reference: str,
    clock: Clock,
    note: str = "",
    agreed: Agreed | None = None,
) -> WalletChange:
    """Take money out, once for each reason and reference. `agreed`: the VAT in it, for the invoice.

    Locks the wallet. Raises InsufficientFunds and writes nothing when it does not hold as much; but what a payment put
    in and a refund or dispute takes out again may have been spent by then, so that REFUNDED alone goes below zero.
    """
    return _change(session, account, -_positive(money), reason, reference, clock, note, agreed)


def _change(
    session: Session,
    account: Account,
    money: Money,
    reason: WalletReason,
    reference: str,
    clock: Clock,
    note: str,
    agreed: Agreed | None = None,
) -> WalletChange:
    row = _locked(session, account, money.currency, clock)
    before = balance_of(session, row)
    if _written(session, account, reason, reference):
        return WalletChange(before, written=False)
    after = before + money
    if money.amount < 0 and after.amount < 0 and reason is not WalletReason.REFUNDED:
        raise InsufficientFunds(balance=before.amount, needed=-money.amount, currency=before.currency)
    session.add(
        WalletEntry(
            account_id=account.id,
            amount=money.amount,
            reason=reason,
            reference=reference,
            note=note,
            agreed=to_json(agreed),
            at=clock.now(),
        )
    )
    session.flush()
    return WalletChange(after, written=True)


def _locked(session: Session, account: Account, currency: str, clock: Clock) -> WalletRow:
    new = insert(WalletRow).values(account_id=account.id, currency=currency, opened_at=clock.now())
    session.execute(new.on_conflict_do_nothing())
    row = session.scalars(select(WalletRow).where(WalletRow.account_id == account.id).with_for_update()).one()
    if row.currency != currency:
        raise InvalidInput("currency", f"This wallet is kept in {row.currency}.")
    return row


def _written(session: Session, account: Account, reason: WalletReason, reference: str) -> bool:
    query = select(WalletEntry.id).where(
        WalletEntry.account_id == account.id,
        WalletEntry.reason == reason,
        WalletEntry.reference == reference,
    )
    return session.scalar(query) is not None


def _positive(money: Money) -> Money:
    if money.amount <= 0:
        raise InvalidInput("amount", "The amount must be more than nothing.")
    return money
