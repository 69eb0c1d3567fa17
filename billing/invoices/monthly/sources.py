"""What there is to bill of an account, from the books in which it was written down, inside its reseller's session.

Each source gives everything up to the end of the month, however old: what earlier invoices have had is left out when the
invoice is issued, and what was written down late is on the next one.
"""

from collections.abc import Callable, Iterator

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from billing.invoices.agreed import from_json
from billing.invoices.document import DraftLine, LineKind, UsageRow
from billing.invoices.monthly.month import Month
from billing.invoices.monthly.overage import overage_lines
from billing.ledger.models import AccountMonth, CreditLot, CreditTransfer, LotOrigin
from billing.payments.models import Payment
from billing.payments.purchases import Good
from billing.payments.states import PaymentState
from billing.wallet.models import WalletEntry, WalletRow
from billing.wallet.services import WalletReason
from tenants.models import Account

# Money put into a wallet buys nothing yet, and has no VAT until it does.
_KINDS = {
    Good.CREDITS: LineKind.CREDITS,
    Good.PLAN: LineKind.PLAN,
    Good.DEDICATED_IP: LineKind.ADDRESSES,
}
# How the references of charges begin, by what they are for; see billing.plans and billing.rentals.
_CHARGES = {"plan": LineKind.PLAN, "upgrade": LineKind.PLAN, "ips": LineKind.ADDRESSES}
_SPENT = (WalletReason.BOUGHT, WalletReason.CHARGED)

Source = Callable[[Session, Account, Month, str], Iterator[DraftLine]]


def lines_to_bill(session: Session, account: Account, month: Month, currency: str) -> list[DraftLine]:
    """Everything in `currency`, in the order of SOURCES."""
    return [line for source in SOURCES for line in source(session, account, month, currency)]


def usage_in(session: Session, accounts: list[Account], month: Month) -> list[UsageRow]:
    """What each account sent in the month, in the order given; those that sent nothing are left out."""
    found = session.execute(
        select(
            AccountMonth.account_id,
            func.sum(AccountMonth.accepted),
            func.sum(AccountMonth.from_plan),
            func.sum(AccountMonth.overage),
        )
        .where(AccountMonth.month == month.first)
        .group_by(AccountMonth.account_id)
    )
    sums = {account_id: tuple(map(int, counts)) for account_id, *counts in found}
    return [
        UsageRow(account.name, accepted, from_plan, accepted - from_plan - overage, overage)
        for account in accounts
        for accepted, from_plan, overage in [sums.get(account.id, (0, 0, 0))]
        if accepted
    ]


def _wallet_charges(session: Session, account: Account, month: Month, currency: str) -> Iterator[DraftLine]:
    """What was bought with money from the wallet: plans, and what else has a price."""
    query = (
        select(WalletEntry)
        .join(WalletRow, WalletRow.account_id == WalletEntry.account_id)
        .where(
            WalletEntry.account_id == account.id,
            WalletRow.currency == currency,
            WalletEntry.reason.in_(_SPENT),
            WalletEntry.amount < 0,
            WalletEntry.at < month.end,
        )
    )
    for entry in session.scalars(query.order_by(WalletEntry.id)):
        yield DraftLine(
            kind=_CHARGES.get(entry.reference.partition("/")[0], LineKind.OTHER),
            detail=entry.note or entry.reference,
            quantity=1,
            unit_price=-entry.amount,
            since=month.day_of(entry.at),
            source=f"wallet:{entry.id}",
            settled=True,
            agreed=from_json(entry.agreed),
        )


def _card_payments(session: Session, account: Account, month: Month, currency: str) -> Iterator[DraftLine]:
    """What was paid at the checkout or by a saved card, less what went back before it was billed."""
    query = select(Payment).where(
        Payment.account_id == account.id,
        Payment.state == PaymentState.PAID,
        Payment.good.in_(_KINDS),
        Payment.currency == currency,
        Payment.paid > Payment.refunded,
        Payment.paid_at < month.end,
    )
    for payment in session.scalars(query.order_by(Payment.paid_at, Payment.id)):
        yield DraftLine(
            kind=_KINDS[Good(payment.good)],
            detail=payment.description if payment.good == Good.PLAN else "",
            quantity=payment.units,
            unit_price=payment.paid - payment.refunded,
            per=payment.units,
            since=month.day_of(payment.paid_at) if payment.paid_at else None,
            source=f"payment:{payment.id}",
            settled=True,
            agreed=from_json(payment.agreed),
        )


def _credits_on_account(
    session: Session, account: Account, month: Month, currency: str
) -> Iterator[DraftLine]:
    """Credits that were bought without a payment: they are paid by this invoice."""
    query = select(CreditLot).where(
        CreditLot.account_id == account.id,
        CreditLot.origin == LotOrigin.BOUGHT,
        CreditLot.currency == currency,
        CreditLot.cost > 0,
        CreditLot.acquired_at < month.end,
        CreditLot.id.not_in(_lots_paid_for(account)),
    )
    for lot in session.scalars(query.order_by(CreditLot.id)):
        yield DraftLine(
            kind=LineKind.CREDITS,
            quantity=lot.credits,
            unit_price=lot.cost,
            per=lot.credits,
            since=month.day_of(lot.acquired_at),
            source=f"lot:{lot.id}",
        )


def _credits_handed_over(
    session: Session, account: Account, month: Month, currency: str
) -> Iterator[DraftLine]:
    """Credits out of the reseller's stock at a price; what was taken back counts against them."""
    query = select(CreditTransfer).where(
        CreditTransfer.account_id == account.id,
        CreditTransfer.price_currency == currency,
        CreditTransfer.price != 0,
        CreditTransfer.at < month.end,
        CreditTransfer.customer_lot.not_in(_lots_paid_for(account)),
    )
    for one in session.scalars(query.order_by(CreditTransfer.id)):
        yield DraftLine(
            kind=LineKind.CREDITS,
            quantity=one.credits,
            unit_price=abs(one.price),
            per=abs(one.credits),
            since=month.day_of(one.at),
            source=f"transfer:{one.id}",
        )


def _lots_paid_for(account: Account) -> Select[tuple[int]]:
    return select(func.unnest(Payment.lots)).where(Payment.account_id == account.id)


SOURCES: tuple[Source, ...] = (
    _wallet_charges,
    _card_payments,
    _credits_on_account,
    _credits_handed_over,
    overage_lines,
)
