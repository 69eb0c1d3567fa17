"""Reads of payments, cards and rules, inside a reseller's session; plain objects for pages and commands."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.money import Money
from billing.payments.models import Card, Dispute, IpPrice, Payment, SellerRow, StripeEvent, TopUpRule
from billing.payments.purchases import Good, Origin
from billing.payments.states import DisputeState, EventState, PaymentState
from billing.payments.top_ups.services import RuleState, TopUp
from platform_core.errors import NotFound
from platform_core.ids import AccountId
from tenants.accounts.queries import main_account
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class PaymentView:
    """One payment. `missing`: units that were spent before a refund or dispute could take them back; it wants a look."""

    id: UUID
    account_id: AccountId
    origin: Origin
    good: Good
    units: int
    description: str
    price: Money
    state: PaymentState
    delivered: bool
    refunded: Money
    disputed: bool
    taken_back: int
    missing: int
    problem: str
    created_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class CardView:
    """A saved card, as it may be shown."""

    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class TopUpView:
    """An account's rule; `off_because` says what stopped it, where it was not a person."""

    rule: TopUp
    state: RuleState
    off_because: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class SellerView:
    """The reseller's own account at the payment service, and whether it can be paid there."""

    stripe_account: str
    currency: str
    charges_enabled: bool
    details_submitted: bool


@dataclass(frozen=True, slots=True)
class EventView:
    """An event of the payment service, without its body."""

    id: str
    type: str
    account: str
    state: EventState
    happened_at: datetime
    received_at: datetime
    attempts: int
    problem: str


def payments_of(
    session: Session, account_id: AccountId | None = None, *, limit: int = 100
) -> list[PaymentView]:
    """The newest payments of an account, or of all accounts of the reseller."""
    query = select(Payment).order_by(Payment.created_at.desc(), Payment.id).limit(limit)
    if account_id is not None:
        query = query.where(Payment.account_id == account_id)
    payments = session.scalars(query).all()
    disputed = _disputed(session, [payment.id for payment in payments])
    return [_view(payment, payment.id in disputed) for payment in payments]


def payments_to_look_at(session: Session, *, limit: int = 100) -> list[PaymentView]:
    """Those that a person has to decide about: paid and not delivered, paid otherwise than asked, spent before returned."""
    query = select(Payment).where(
        (Payment.missing > 0)
        | (Payment.state == PaymentState.DISAGREED)
        | (
            (Payment.state == PaymentState.PAID)
            & (Payment.delivered == 0)
            & (Payment.refunded < Payment.paid)
        )
    )
    payments = session.scalars(query.order_by(Payment.created_at.desc()).limit(limit)).all()
    disputed = _disputed(session, [payment.id for payment in payments])
    return [_view(payment, payment.id in disputed) for payment in payments]


def payment_by_id(session: Session, payment_id: UUID) -> PaymentView:
    """Raises NotFound."""
    payment = session.get(Payment, payment_id)
    if payment is None:
        raise NotFound("There is no such payment.")
    return _view(payment, payment.id in _disputed(session, [payment.id]))


def cards_of(session: Session, account_id: AccountId) -> list[CardView]:
    """The saved cards of an account, newest first."""
    query = select(Card).where(Card.account_id == account_id, Card.removed_at.is_(None))
    return [
        CardView(card.id, card.brand, card.last4, card.exp_month, card.exp_year)
        for card in session.scalars(query.order_by(Card.told_at.desc(), Card.id))
    ]


def top_up_of(session: Session, account_id: AccountId) -> TopUpView | None:
    """The account's rule, if it has one."""
    row = session.get(TopUpRule, account_id)
    if row is None:
        return None
    rule = TopUp(Good(row.good), row.threshold, row.units, row.daily_ceiling, row.card_id)
    return TopUpView(rule, RuleState(row.state), row.off_because, row.changed_at)


def seller_of(session: Session) -> SellerView | None:
    """The reseller's own account at the payment service, once it has one."""
    row = session.scalars(select(SellerRow)).one_or_none()
    if row is None:
        return None
    return SellerView(row.stripe_account, row.currency, row.charges_enabled, row.details_submitted)


def ip_price_of(session: Session, account: Account) -> Money | None:
    """What a dedicated IP costs a customer: its own price, else the list price."""
    return own_ip_price(session, account) or own_ip_price(session, main_account(session))


def own_ip_price(session: Session, account: Account) -> Money | None:
    """What was agreed with this customer; the main account's is the list price."""
    row = session.get(IpPrice, account.id)
    return Money(row.amount, row.currency) if row else None


def events(session: Session, *, state: EventState | None = None, limit: int = 100) -> list[EventView]:
    """The newest events (platform's session)."""
    query = select(StripeEvent).order_by(StripeEvent.received_at.desc(), StripeEvent.id).limit(limit)
    if state is not None:
        query = query.where(StripeEvent.state == state)
    return [event_view(event) for event in session.scalars(query)]


def event_by_id(session: Session, event_id: str) -> StripeEvent:
    """The event with its body (platform's session). Raises NotFound."""
    event = session.get(StripeEvent, event_id)
    if event is None:
        raise NotFound(f"There is no event {event_id}.")
    return event


def event_view(event: StripeEvent) -> EventView:
    return EventView(
        event.id,
        event.type,
        event.account,
        EventState(event.state),
        event.happened_at,
        event.received_at,
        event.attempts,
        event.problem,
    )


def _disputed(session: Session, payment_ids: list[UUID]) -> set[UUID]:
    query = select(Dispute.payment_id).where(
        Dispute.payment_id.in_(payment_ids), Dispute.state.in_((DisputeState.OPEN, DisputeState.LOST))
    )
    return set(session.scalars(query))


def _view(payment: Payment, disputed: bool) -> PaymentView:
    return PaymentView(
        id=payment.id,
        account_id=payment.account_id,
        origin=Origin(payment.origin),
        good=Good(payment.good),
        units=payment.units,
        description=payment.description,
        price=payment.price,
        state=PaymentState(payment.state),
        delivered=payment.delivered > 0,
        refunded=Money(payment.refunded, payment.currency),
        disputed=disputed,
        taken_back=payment.taken_back,
        missing=payment.missing,
        problem=payment.problem,
        created_at=payment.created_at,
        paid_at=payment.paid_at,
    )
