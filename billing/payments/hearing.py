"""What one piece of news changes inside a reseller; the caller commits.

The connected account that an event came from is part of every question asked here: a reseller rules over its own account
at the payment service, and must not be able to say there what the platform's account alone may say.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.payments import news
from billing.payments.gateway import PLATFORM
from billing.payments.goods.invoices import credit_refunded_part
from billing.payments.models import Card, Payment, PaymentCustomer, SellerRow, TopUpRule
from billing.payments.news import About, News
from billing.payments.purchases import Origin
from billing.payments.settling import (
    note_disputed,
    note_expired,
    note_failed,
    note_paid,
    note_refunded,
    settle,
)
from billing.payments.top_ups.services import stop_top_up
from platform_core.clock import Clock

_OfPayment = news.Paid | news.Declined | news.Expired | news.Refunded | news.Disputed


class NotYet(Exception):
    """The news is about something that another event has yet to tell us of."""


def hear(session: Session, said: News, *, seller: str, clock: Clock) -> Payment | None:
    """Apply one piece of news that `seller` (a connected account, or "") has sent. Hands back the payment it was about.

    Raises NotYet, and has written nothing.
    """
    match said.word:
        case news.CustomerKnown():
            _keep_customer(session, said.word, seller)
        case news.CardKept():
            _keep_card(session, said.word, seller, said.at)
        case news.CardRemoved():
            _remove_card(session, said.word.card, seller, clock)
        case news.SellerTold():
            _keep_seller(session, said.word, seller, said.at)
        case _:
            return _hear_of_payment(session, said.word, seller, clock)
    return None


def _hear_of_payment(session: Session, word: _OfPayment, seller: str, clock: Clock) -> Payment:
    payment = _payment(session, word.about, seller)
    payment.checkout = payment.checkout or word.about.checkout
    payment.intent = payment.intent or word.about.intent
    gone = payment.taken_back + payment.missing
    match word:
        case news.Paid():
            note_paid(session, payment, word.money, clock=clock)
        case news.Declined():
            note_failed(session, payment, word.reason)
            if payment.origin == Origin.TOP_UP:
                stop_top_up(session, payment.account_id, word.reason, clock=clock)
        case news.Expired():
            note_expired(session, payment)
        case news.Refunded():
            note_refunded(session, payment, word.total)
            # The platform's own books are written by whoever has them open.
            if seller != PLATFORM:
                credit_refunded_part(session, payment, clock=clock)
        case news.Disputed():
            note_disputed(session, payment, word, clock=clock)
    settle(session, payment, clock=clock)
    if payment.origin == Origin.TOP_UP and payment.taken_back + payment.missing > gone:
        # Else the rule would charge the card anew for what has just gone back.
        stop_top_up(session, payment.account_id, "its last payment was refunded or disputed", clock=clock)
    return payment


def _payment(session: Session, about: About, seller: str) -> Payment:
    """The payment, locked until the commit."""
    named: Sequence[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (Payment.id, about.payment),
            (Payment.checkout, about.checkout),
            (Payment.intent, about.intent),
        )
        if value is not None
    ]
    query = select(Payment).where(or_(*named), Payment.stripe_account == seller)
    payment = session.scalars(query.with_for_update()).one_or_none() if named else None
    if payment is None:
        raise NotYet
    return payment


def _keep_customer(session: Session, word: news.CustomerKnown, seller: str) -> None:
    """Normally written when the customer was made; here when that answer was lost."""
    if word.account_id is None:
        return
    new = insert(PaymentCustomer).values(
        account_id=word.account_id, stripe_account=seller, customer=word.customer
    )
    session.execute(new.on_conflict_do_nothing())


def _keep_card(session: Session, word: news.CardKept, seller: str, at: datetime) -> None:
    owner = session.scalars(
        select(PaymentCustomer).where(
            PaymentCustomer.customer == word.customer, PaymentCustomer.stripe_account == seller
        )
    ).one_or_none()
    if owner is None:
        raise NotYet
    new = insert(Card).values(
        id=word.card,
        account_id=owner.account_id,
        stripe_account=seller,
        brand=word.brand,
        last4=word.last4,
        exp_month=word.exp_month,
        exp_year=word.exp_year,
        told_at=at,
    )
    session.execute(new.on_conflict_do_nothing())
    card = session.get_one(Card, word.card, with_for_update=True)
    if card.account_id != owner.account_id or card.told_at > at:
        return
    card.brand, card.last4 = word.brand, word.last4
    card.exp_month, card.exp_year = word.exp_month, word.exp_year
    card.told_at = at
    session.flush()


def _remove_card(session: Session, card_id: str, seller: str, clock: Clock) -> None:
    card = session.get(Card, card_id, with_for_update=True)
    if card is None or card.stripe_account != seller:
        raise NotYet
    if card.removed_at is None:
        card.removed_at = clock.now()
        session.flush()
    rule = session.get(TopUpRule, card.account_id)
    if rule is not None and rule.card_id == card.id:
        stop_top_up(session, card.account_id, "the card was removed", clock=clock)


def _keep_seller(session: Session, word: news.SellerTold, seller: str, at: datetime) -> None:
    row = session.scalars(select(SellerRow).with_for_update()).one_or_none()
    if row is None or row.stripe_account != word.seller or word.seller != seller:
        return  # one that was disconnected
    if row.told_at is not None and row.told_at > at:
        return
    row.charges_enabled, row.details_submitted = word.charges_enabled, word.details_submitted
    row.told_at = at
    session.flush()
