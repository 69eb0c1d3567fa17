"""One account's automatic top-up: decided under a lock, charged without a transaction, then recorded.

Exactly once, whoever dies in between: the payment is written before the card is charged, only one may be open, and a
second try asks with the same key, which the payment service answers with what became of the first.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.ledger.queries import credits_left
from billing.payments.checkout import customer_for
from billing.payments.gateway import CardCharge, Charged
from billing.payments.models import Payment, TopUpRule
from billing.payments.purchases import Good, Origin, Purchase
from billing.payments.settling import note_failed, note_paid, settle
from billing.payments.states import PaymentState
from billing.payments.till import Till, marks_of, open_payment, quote_for, seller_to
from billing.payments.top_ups.services import RuleState, stop_top_up
from billing.wallet.queries import wallet_of
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import InvalidInput, NotForSale, PaymentDeclined
from platform_core.ids import AccountId
from tenants.accounts.queries import account_by_id
from tenants.models import Account, State

# Stripe forgets an idempotency key after 24 hours; asking again then might charge again.
ASK_AGAIN_FOR = timedelta(hours=20)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Begun:
    """A payment that is written down, and how to ask for it."""

    payment_id: UUID
    charge: CardCharge


def accounts_to_look_at(session: Session) -> list[AccountId]:
    """Accounts of this reseller with a rule in force, or a top-up that is under way."""
    ruled = select(TopUpRule.account_id).where(TopUpRule.state == RuleState.ON)
    begun = select(Payment.account_id).where(
        Payment.origin == Origin.TOP_UP, Payment.state == PaymentState.OPEN
    )
    return list(session.scalars(ruled.union(begun)))


def top_up(reseller: ResellerRef, account_id: AccountId, *, till: Till) -> bool:
    """Top an account up if it needs it; True when something was bought. Raises Unavailable when nobody can say."""
    with tenant_session(reseller) as session:
        begun = _begin(session, account_by_id(session, account_id), till)
        session.commit()
    if begun is None:
        return False
    try:
        charged = till.gateway.charge_card(begun.charge)
    except PaymentDeclined as error:
        return _record_refusal(reseller, account_id, begun.payment_id, error, till)
    return _record(reseller, begun.payment_id, charged, till)


def _begin(session: Session, account: Account, till: Till) -> _Begun | None:
    rule = session.get(TopUpRule, account.id, with_for_update=True)
    payment = _under_way(session, account.id)
    if payment is None:
        payment = _new_payment(session, account, rule, till) if rule else None
    elif till.clock.now() - payment.created_at > ASK_AGAIN_FOR:
        # News of it that comes later still counts.
        note_failed(session, payment, "no answer")
        stop_top_up(session, account.id, "no answer", clock=till.clock)
        return None
    if payment is None or payment.card_id is None:
        return None
    customer = customer_for(session, account, seller_to(session, account, till.currency), till)
    return _Begun(
        payment.id,
        CardCharge(
            key=f"top-up-{payment.id}",
            customer=customer,
            card=payment.card_id,
            price=payment.price,
            description=payment.description,
            metadata=marks_of(session, account, payment),
            seller=payment.stripe_account,
        ),
    )


def _under_way(session: Session, account_id: AccountId) -> Payment | None:
    query = select(Payment).where(
        Payment.account_id == account_id, Payment.origin == Origin.TOP_UP, Payment.state == PaymentState.OPEN
    )
    return session.scalars(query.with_for_update()).one_or_none()


def _new_payment(session: Session, account: Account, rule: TopUpRule, till: Till) -> Payment | None:
    """None when nothing is to be bought now."""
    if (
        rule.state != RuleState.ON
        or account.state != State.ACTIVE
        or not _runs_low(session, account, rule, till)
    ):
        return None
    try:
        seller = seller_to(session, account, till.currency)
        purchase = Purchase(Good(rule.good), rule.units)
        quote = quote_for(session, account, purchase, currency=till.currency, clock=till.clock)
        spent = _spent_today(session, account, till.clock.now())
        if spent + quote.price.amount > rule.daily_ceiling:
            log.info("top_up_ceiling", account_id=account.id, spent=spent)
            return None
        payment = open_payment(session, account, quote, seller, origin=Origin.TOP_UP, clock=till.clock)
    except (NotForSale, InvalidInput) as error:
        stop_top_up(session, account.id, str(error), clock=till.clock)
        return None
    payment.card_id = rule.card_id
    session.flush()
    return payment


def _runs_low(session: Session, account: Account, rule: TopUpRule, till: Till) -> bool:
    if rule.good == Good.WALLET:
        balance = wallet_of(session, account).balance
        return (balance.amount if balance else 0) < rule.threshold
    return credits_left(session, account.id, till.clock.now()) < rule.threshold


def _spent_today(session: Session, account: Account, now: datetime) -> int:
    """Minor units of the account's day. Top-ups whose fate is unknown count: they may have been charged."""
    local = now.astimezone(ZoneInfo(account.time_zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    query = select(func.coalesce(func.sum(Payment.asked), 0)).where(
        Payment.account_id == account.id,
        Payment.origin == Origin.TOP_UP,
        Payment.state != PaymentState.FAILED,
        Payment.created_at >= midnight,
    )
    return int(session.scalar(query) or 0)


def _record(reseller: ResellerRef, payment_id: UUID, charged: Charged, till: Till) -> bool:
    """What the payment service answered; the event that says the same changes nothing more."""
    with tenant_session(reseller) as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        payment.intent = payment.intent or charged.intent
        if charged.paid is not None:
            note_paid(session, payment, charged.paid, clock=till.clock)
            settle(session, payment, clock=till.clock)
        bought = payment.state == PaymentState.PAID
        session.commit()
    return bought


def _record_refusal(
    reseller: ResellerRef, account_id: AccountId, payment_id: UUID, error: PaymentDeclined, till: Till
) -> bool:
    with tenant_session(reseller) as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        note_failed(session, payment, error.code)
        stop_top_up(session, account_id, error.code, clock=till.clock)
        session.commit()
    return False
