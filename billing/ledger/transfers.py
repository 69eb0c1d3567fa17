"""Handing credits from the reseller's stock to a customer, and taking unspent ones back; the caller commits.

Each part keeps the expiry of its lot, and its share of what the lot has cost. The shares are taken from what is left, one
after the other, so that all of them together are the cost to the cent, however the lot is cut up.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.ledger.books import Opening, enter, lock_accounts, open_lot, open_lots
from billing.ledger.models import CreditLot, CreditTransfer, EntryKind, LotOrigin
from billing.ledger.services import check_credits
from billing.money import Money, round_half_up
from billing.prices.queries import price_of
from platform_core.clock import Clock
from platform_core.errors import InsufficientCredits, InvalidInput
from tenants.accounts.signals import announce_quota
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class Part:
    """What went from one lot to another. All of it is below zero on its way back."""

    stock_lot: int
    customer_lot: int
    credits: int
    expires_at: datetime
    cost: Money
    price: Money


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What moved, oldest expiry first; what was taken back, latest expiry first."""

    parts: tuple[Part, ...]

    @property
    def credits(self) -> int:
        return abs(sum(part.credits for part in self.parts))

    @property
    def price(self) -> Money:
        """What the customer is charged for all of it, or (below zero) gets off its bill."""
        currencies = {part.price.currency for part in self.parts}
        if len(currencies) > 1:
            raise InvalidInput("currency", "The parts were priced in several currencies.")
        return Money(sum(part.price.amount for part in self.parts), currencies.pop())


@dataclass(frozen=True, slots=True)
class _Left:
    """What of a lot has not been handed on, or taken back."""

    credits: int
    cost: int
    price: int = 0
    price_currency: str = ""

    def share(self, amount: int, credits: int) -> int:
        return round_half_up(amount * credits, self.credits)


def hand_over(
    session: Session, source: Account, target: Account, credits: int, *, clock: Clock, note: str = ""
) -> HandedOver:
    """Move credits from the reseller's stock to a customer, oldest expiry first, at the price that holds for it now.

    Locks both accounts in the order of their ids. Raises InvalidInput, and InsufficientCredits (with the balance); then
    it has written nothing.
    """
    _check_direction(stock=source, customer=target)
    check_credits(credits)
    lock_accounts(session, source.id, target.id)
    now = clock.now()
    lots = open_lots(session, source.id, now)
    cuts = _cut(lots, credits)
    prices = _prices(session, target, [part for _, part in cuts])
    parts = tuple(
        _give(session, lot, target, part, price, at=now, note=note)
        for (lot, part), price in zip(cuts, prices, strict=True)
    )
    announce_quota(session, target)
    return HandedOver(parts)


def take_back(
    session: Session,
    source: Account,
    target: Account,
    credits: int,
    *,
    clock: Clock,
    note: str = "",
    out_of: Collection[int] | None = None,
) -> HandedOver:
    """Move unspent credits from the customer `source` back to the stock `target`, into the lots that they came from.

    Those that lapse last go first, so that the customer keeps none that lapses later than those it loses. Only what was
    handed over can be taken back, not what the customer was granted. `out_of`: from these of its lots alone. Locks and
    raises as `hand_over` does.
    """
    _check_direction(stock=target, customer=source)
    check_credits(credits)
    lock_accounts(session, source.id, target.id)
    now = clock.now()
    lots = [
        lot
        for lot in open_lots(session, source.id, now)
        if lot.origin == LotOrigin.HANDED_OVER and (out_of is None or lot.id in out_of)
    ]
    cuts = _cut(lots[::-1], credits)
    parts = tuple(_take(session, lot, part, at=now, note=note) for lot, part in cuts)
    announce_quota(session, target)
    return HandedOver(parts)


def _check_direction(*, stock: Account, customer: Account) -> None:
    if not stock.is_main or customer.is_main:
        raise InvalidInput("account", "Credits move between the reseller's own account and a customer's.")


def _cut(lots: Sequence[CreditLot], credits: int) -> list[tuple[CreditLot, int]]:
    """From which lots so many credits come. Raises InsufficientCredits."""
    balance = sum(lot.remaining for lot in lots)
    if balance < credits:
        raise InsufficientCredits(balance, credits)
    cuts = []
    for lot in lots:
        part = min(lot.remaining, credits)
        if part == 0:
            break
        cuts.append((lot, part))
        credits -= part
    return cuts


def _prices(session: Session, customer: Account, parts: Sequence[int]) -> Iterable[Money]:
    """The price of all parts, rounded once, and divided among them so that they add up to it."""
    price = price_of(session, customer)
    if price is None:
        return [Money(0, "") for _ in parts]
    totals = [price.of(sum(parts[:n])) for n in range(len(parts) + 1)]
    return [after - before for before, after in pairwise(totals)]


def _give(
    session: Session,
    lot: CreditLot,
    customer: Account,
    credits: int,
    price: Money,
    *,
    at: datetime,
    note: str,
) -> Part:
    left = _left_in_stock(session, lot)
    cost = Money(left.share(left.cost, credits), lot.currency)
    opening = Opening(LotOrigin.HANDED_OVER, EntryKind.RECEIVED, credits, lot.expires_at, cost, note)
    enter(session, lot, EntryKind.HANDED_OVER, credits, at, note=note)
    received = open_lot(session, customer.id, opening, at)
    return _record(session, customer, Part(lot.id, received.id, credits, lot.expires_at, cost, price), at)


def _take(session: Session, lot: CreditLot, credits: int, *, at: datetime, note: str) -> Part:
    stock_lot = session.get_one(CreditLot, _stock_lot_of(session, lot), populate_existing=True)
    left = _left_with_customer(session, lot)
    cost = Money(-left.share(left.cost, credits), lot.currency)
    price = Money(-left.share(left.price, credits), left.price_currency)
    enter(session, lot, EntryKind.TAKEN_BACK, credits, at, note=note)
    enter(session, stock_lot, EntryKind.RETURNED, credits, at, note=note)
    customer = session.get_one(Account, lot.account_id)
    part = Part(stock_lot.id, lot.id, -credits, lot.expires_at, cost, price)
    return _record(session, customer, part, at)


def _record(session: Session, customer: Account, part: Part, at: datetime) -> Part:
    session.add(
        CreditTransfer(
            at=at,
            account_id=customer.id,
            stock_lot=part.stock_lot,
            customer_lot=part.customer_lot,
            credits=part.credits,
            cost=part.cost.amount,
            cost_currency=part.cost.currency,
            price=part.price.amount,
            price_currency=part.price.currency,
        )
    )
    session.flush()
    return part


def _stock_lot_of(session: Session, lot: CreditLot) -> int:
    query = select(CreditTransfer.stock_lot).where(CreditTransfer.customer_lot == lot.id)
    return session.scalars(query.limit(1)).one()


def _left_in_stock(session: Session, lot: CreditLot) -> _Left:
    gone, cost = session.execute(
        select(
            func.coalesce(func.sum(CreditTransfer.credits), 0),
            func.coalesce(func.sum(CreditTransfer.cost), 0),
        ).where(CreditTransfer.stock_lot == lot.id)
    ).one()
    return _Left(lot.credits - int(gone), lot.cost - int(cost))


def _left_with_customer(session: Session, lot: CreditLot) -> _Left:
    credits, cost, price, currency = session.execute(
        select(
            func.sum(CreditTransfer.credits),
            func.sum(CreditTransfer.cost),
            func.sum(CreditTransfer.price),
            func.min(CreditTransfer.price_currency),
        ).where(CreditTransfer.customer_lot == lot.id)
    ).one()
    return _Left(int(credits), int(cost), int(price), currency)
