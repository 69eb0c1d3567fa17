"""From what is known of a payment to what its buyer holds, inside the reseller's session; the caller commits.

What the payment service tells is written down first, as totals that only news can change. Then `settle` compares them
with what was delivered, and makes up the difference. So it does not matter in which order news comes, or how often.
"""

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.money import Money
from billing.payments.goods.catalogue import GOODS
from billing.payments.goods.shelf import Order
from billing.payments.models import Dispute, Payment
from billing.payments.news import Disputed
from billing.payments.purchases import Good, Origin
from billing.payments.signals import announce_payment, payment_failed, payment_returned, payment_succeeded
from billing.payments.states import DISPUTE_MOVES, MOVES, DisputeState, PaymentState
from platform_core.clock import Clock
from platform_core.errors import FrankpostError
from tenants.accounts.queries import account_by_id

log = structlog.get_logger()


def note_paid(session: Session, payment: Payment, money: Money, *, clock: Clock) -> None:
    """The payment service has the money. What was not asked for is not taken for payment: a person has to look."""
    agreed = money == payment.price
    if not _move(payment, PaymentState.PAID if agreed else PaymentState.DISAGREED):
        return
    payment.paid = money.amount
    payment.paid_at = clock.now()
    payment.problem = ""
    if not agreed:
        payment.problem = f"{money.amount} {money.currency} paid, {payment.asked} {payment.currency} asked"
        log.error("payment_disagrees", payment=str(payment.id))
    session.flush()


def note_failed(session: Session, payment: Payment, reason: str) -> None:
    """A bank has said no. At a checkout that is not the end: the buyer may try another card."""
    if payment.state != PaymentState.OPEN:
        return
    payment.problem = reason
    if payment.origin == Origin.TOP_UP:
        _move(payment, PaymentState.FAILED)
    session.flush()
    announce_payment(session, payment, payment_failed, reason=reason)


def note_expired(session: Session, payment: Payment) -> None:
    """The buyer has left."""
    if _move(payment, PaymentState.EXPIRED):
        session.flush()


def note_refunded(session: Session, payment: Payment, total: int) -> None:
    """`total`: minor units given back up to now; an older total that comes late changes nothing."""
    if total > payment.refunded:
        payment.refunded = total
        session.flush()
        announce_payment(session, payment, payment_returned)


def note_disputed(session: Session, payment: Payment, told: Disputed, *, clock: Clock) -> None:
    """Keep a dispute's newest state; one that is closed stays so, whatever comes late."""
    row = session.get(Dispute, told.id)
    if row is None:
        row = Dispute(
            id=told.id,
            payment_id=payment.id,
            amount=told.amount,
            state=told.state,
            reason=told.reason,
            opened_at=clock.now(),
        )
        session.add(row)
    elif told.state not in DISPUTE_MOVES[DisputeState(row.state)]:
        return
    row.state = told.state
    if not DISPUTE_MOVES[told.state]:
        row.closed_at = clock.now()
    session.flush()
    announce_payment(session, payment, payment_returned)


def settle(session: Session, payment: Payment, *, clock: Clock) -> None:
    """Deliver what is paid and not delivered; take back what was returned, as far as it is unspent; note the rest.

    The caller holds the payment's lock. Doing it again changes nothing.
    """
    if payment.state != PaymentState.PAID:
        return
    order = Order(session, account_by_id(session, payment.account_id), payment, clock)
    returned = _returned(session, payment)
    if not payment.delivered and returned < payment.paid:
        _deliver(order)
    if payment.delivered:
        _even_out(order, payment.units * returned // payment.paid)
    session.flush()


def _deliver(order: Order) -> None:
    """Whatever keeps it from being delivered is noted, and undone to the last row; a job tries again."""
    payment, session = order.payment, order.session
    try:
        with session.begin_nested():
            delivered = GOODS[Good(payment.good)].deliver(order)
    except FrankpostError as error:
        payment.problem = str(error)
        log.warning("payment_undelivered", payment=str(payment.id), kind=type(error).__name__)
        return
    payment.delivered = payment.units
    payment.lots = list(delivered.lots)
    payment.delivered_at = order.clock.now()
    payment.problem = ""
    announce_payment(session, payment, payment_succeeded)


def _even_out(order: Order, owed: int) -> None:
    """Bring what was taken back, with what could not be, to `owed` units."""
    payment = order.payment
    goods = GOODS[Good(payment.good)]
    difference = owed - payment.taken_back - payment.missing
    if difference > 0:
        back = goods.take_back(order, difference)
        payment.taken_back += back.taken
        payment.missing += back.missing
        if back.missing:
            log.warning("payment_spent_before_return", payment=str(payment.id), units=back.missing)
    elif difference < 0:
        forgiven = min(payment.missing, -difference)
        payment.missing -= forgiven
        again = -difference - forgiven
        if again:
            payment.lots = [*payment.lots, *goods.give_again(order, again).lots]
            payment.taken_back -= again


def _returned(session: Session, payment: Payment) -> int:
    """Minor units that are gone again: refunded, or held back by a dispute that is not won."""
    disputed = session.scalar(
        select(func.coalesce(func.sum(Dispute.amount), 0)).where(
            Dispute.payment_id == payment.id, Dispute.state.in_((DisputeState.OPEN, DisputeState.LOST))
        )
    )
    return min(payment.refunded + int(disputed or 0), payment.paid)


def _move(payment: Payment, to: PaymentState) -> bool:
    """False, and nothing changed, where the table of states knows no way."""
    if to not in MOVES[PaymentState(payment.state)]:
        return False
    payment.state = to
    return True
