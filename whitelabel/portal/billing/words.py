"""Kinds, origins, reasons and states of billing, in words and colours."""

from dataclasses import dataclass

from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from billing.ledger.models import EntryKind, LotOrigin
from billing.payments.states import PaymentState
from billing.plans.states import PlanStatus
from billing.wallet.services import WalletReason


@dataclass(frozen=True, slots=True)
class StatusWords:
    """`colour` names a dot of the style sheet."""

    label: LazyString
    colour: str


ENTRY_WORDS = {
    EntryKind.BOUGHT: _l("Bought"),
    EntryKind.GRANTED: _l("Granted"),
    EntryKind.HANDED_OVER: _l("Handed over"),
    EntryKind.RECEIVED: _l("Received"),
    EntryKind.TAKEN_BACK: _l("Taken back"),
    EntryKind.RETURNED: _l("Returned"),
    EntryKind.USED: _l("Used"),
    EntryKind.REFUNDED: _l("Given back (never tried)"),
    EntryKind.REVOKED: _l("Purchase undone"),
    EntryKind.EXPIRED: _l("Lapsed"),
}
ORIGIN_WORDS = {
    LotOrigin.BOUGHT: _l("Bought"),
    LotOrigin.GRANTED: _l("Granted"),
    LotOrigin.HANDED_OVER: _l("Received"),
    LotOrigin.RETURNED: _l("Given back"),
}
PLAN_WORDS = {
    PlanStatus.TRIAL: StatusWords(_l("Trial"), "busy"),
    PlanStatus.ACTIVE: StatusWords(_l("Active"), "good"),
    PlanStatus.PAST_DUE: StatusWords(_l("Past due"), "warn"),
    PlanStatus.SUSPENDED: StatusWords(_l("Suspended"), "bad"),
    PlanStatus.ENDED: StatusWords(_l("Ended"), "idle"),
}
PAYMENT_WORDS = {
    PaymentState.OPEN: StatusWords(_l("Waiting"), "busy"),
    PaymentState.PAID: StatusWords(_l("Paid"), "good"),
    PaymentState.FAILED: StatusWords(_l("Declined"), "bad"),
    PaymentState.EXPIRED: StatusWords(_l("Not paid"), "idle"),
    PaymentState.DISAGREED: StatusWords(_l("Being looked into"), "warn"),
}
WALLET_WORDS = {
    WalletReason.PAID_IN: _l("Paid in"),
    WalletReason.SPENT: _l("Spent"),
    WalletReason.BOUGHT: _l("Bought"),
    WalletReason.REFUNDED: _l("Payment given back"),
    WalletReason.CHARGED: _l("Charged"),
    WalletReason.CORRECTED: _l("Corrected"),
}


def add_billing_words(app: Flask) -> None:
    """Let the templates of `app` ask for all of these."""
    app.jinja_env.globals.update(
        entry_words=ENTRY_WORDS,
        origin_words=ORIGIN_WORDS,
        plan_words=PLAN_WORDS,
        payment_words=PAYMENT_WORDS,
        wallet_words=WALLET_WORDS,
    )
