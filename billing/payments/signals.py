"""News of payments, for the folders above. Sent after the commit, so that whoever hears it finds it in the database."""

from typing import Any

from blinker import Signal
from sqlalchemy import event
from sqlalchemy.orm import Session

from billing.payments.models import Payment
from platform_core.database import ResellerRef
from platform_core.ids import AccountId

payment_succeeded = Signal("Paid and delivered: sent with the reseller, `account_id`, `payment_id`.")
payment_failed = Signal("Declined or expired: sent with the reseller, `account_id`, `payment_id`, `reason`.")
payment_returned = Signal("Refunded or disputed: sent with the reseller, `account_id`, `payment_id`.")
top_up_stopped = Signal("An automatic top-up went off: sent with the reseller, `account_id`, `reason`.")


def announce_payment(session: Session, payment: Payment, signal: Signal, **words: str) -> None:
    """Let `signal` be heard once `session` has committed."""
    announce(session, payment.account_id, signal, payment_id=str(payment.id), **words)


def announce(session: Session, account_id: AccountId, signal: Signal, **words: str) -> None:
    """Let `signal` be heard once `session` has committed; outside a reseller's session there is nobody to tell of."""
    reseller = session.info.get("reseller")
    if not isinstance(reseller, ResellerRef):
        return

    @event.listens_for(session, "after_commit", once=True)
    def send(_session: Session) -> None:
        fields: dict[str, Any] = {"account_id": account_id, **words}
        signal.send(reseller, **fields)
