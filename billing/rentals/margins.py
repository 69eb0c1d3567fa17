"""What a reseller earns on dedicated IPs: what customers have paid for their months against what those have cost it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from typing import TypeAlias

from sqlalchemy import BigInteger, Text, and_, case, cast, func, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import Select

from billing.money import Money, round_half_up
from billing.payments.models import Payment
from billing.payments.purchases import Good
from billing.payments.states import PaymentState
from billing.plans.periods import local_date
from billing.prices.margins import earned
from billing.rentals.books import REFERENCE
from billing.rentals.models import IpRental
from billing.wallet.models import WalletEntry, WalletRow
from billing.wallet.services import WalletReason
from platform_core.ids import AccountId
from tenants.accounts.queries import main_account
from tenants.models import Account, AccountKind

Paid: TypeAlias = tuple[AccountId, datetime, Money]  # for whose addresses, when, and how much before VAT
Sums: TypeAlias = dict[str, int]  # minor units by currency


@dataclass(frozen=True, slots=True)
class IpMargin:
    """One customer in one month of the reseller's time zone, by the day of payment; both sides before VAT.

    A currency "" means that nothing was paid.
    """

    account_id: AccountId
    account_name: str
    month: date
    price: Money
    cost: Money

    @property
    def margin(self) -> Money | None:
        """None where the two are in different currencies."""
        return earned(self.price, self.cost)


def ip_margins(session: Session) -> Sequence[IpMargin]:
    """The newest month first, then by customer; a line for each pair of currencies."""
    zone = main_account(session).time_zone
    names = {row.id: row.name for row in session.execute(select(Account.id, Account.name))}
    prices = _by_month([*_first_months(session), *_charged(session, handed_on=False)], zone)
    costs = _by_month(_charged(session, handed_on=True), zone)
    found = [
        IpMargin(account_id, names[account_id], month, price, cost)
        for account_id, month in prices.keys() | costs.keys()
        for price, cost in _pairs(prices.get((account_id, month), {}), costs.get((account_id, month), {}))
    ]
    return sorted(found, key=lambda one: (-one.month.toordinal(), one.account_name, one.account_id))


def _by_month(paid: Iterable[Paid], zone: str) -> dict[tuple[AccountId, date], Sums]:
    sums: defaultdict[tuple[AccountId, date], Sums] = defaultdict(lambda: defaultdict(int))
    for account_id, at, money in paid:
        sums[account_id, local_date(at, zone).replace(day=1)][money.currency] += money.amount
    return sums


def _first_months(session: Session) -> Iterator[Paid]:
    """Customers' payments at the checkout, less what went back."""
    query = (
        select(Payment)
        .join(Account, Account.id == Payment.account_id)
        .where(
            Account.kind != AccountKind.MAIN,
            Payment.good == Good.DEDICATED_IP,
            Payment.state == PaymentState.PAID,
            Payment.delivered > 0,
            Payment.paid > Payment.refunded,
        )
    )
    for one in session.scalars(query):
        net = round_half_up((one.asked - one.tax) * (one.paid - one.refunded), one.paid)
        yield one.account_id, one.paid_at or one.created_at, Money(net, one.currency)


def _charged(session: Session, *, handed_on: bool) -> Iterator[Paid]:
    """What wallets have paid for months, by customer: the customers' own, or the reseller's for what it handed on."""
    for account_id, at, amount, currency in session.execute(_charges(handed_on)):
        yield account_id, at, Money(amount, currency)


def _charges(handed_on: bool) -> Select[AccountId, datetime, int, str]:
    customers = aliased(IpRental)
    of_month = and_(
        WalletEntry.account_id == IpRental.account_id,
        WalletEntry.reason == WalletReason.CHARGED,
        WalletEntry.reference.startswith(REFERENCE),
        func.split_part(WalletEntry.reference, "/", 2) == cast(IpRental.id, Text),
    )
    net = cast(WalletEntry.agreed["net"].astext, BigInteger)
    return (
        select(
            customers.account_id,
            WalletEntry.at,
            # Where nothing was agreed about VAT there was none in it.
            case((WalletEntry.agreed.is_not(None), net), else_=-WalletEntry.amount),
            WalletRow.currency,
        )
        .select_from(IpRental)
        .join(customers, customers.id == (IpRental.for_rental if handed_on else IpRental.id))
        .join(Account, and_(Account.id == customers.account_id, Account.kind != AccountKind.MAIN))
        .join(WalletEntry, of_month)
        .join(WalletRow, WalletRow.account_id == WalletEntry.account_id)
    )


def _pairs(prices: Sums, costs: Sums) -> Iterator[tuple[Money, Money]]:
    """What is in one currency side by side; the rest as it comes."""
    for currency in sorted(prices.keys() & costs.keys()):
        yield Money(prices[currency], currency), Money(costs[currency], currency)
    nothing = ("", 0)
    rest = zip_longest(
        sorted((currency, prices[currency]) for currency in prices.keys() - costs.keys()),
        sorted((currency, costs[currency]) for currency in costs.keys() - prices.keys()),
        fillvalue=nothing,
    )
    for (paid_in, price), (cost_in, cost) in rest:
        yield Money(price, paid_in), Money(cost, cost_in)
