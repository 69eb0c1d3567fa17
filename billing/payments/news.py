"""What the payment service's events say, in our own words.

Only what an event states is believed of it, in whatever order it comes: amounts are totals, not steps, and what is newer
is seen by its time. Types that are not on the list mean nothing to us.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from billing.money import Money
from billing.payments.states import DisputeState

# The names under which our own ids travel with everything that we make at the payment service.
RESELLER, ACCOUNT, PAYMENT = "reseller", "account", "payment"


@dataclass(frozen=True, slots=True)
class About:
    """Which payment it is about: as far as the event says, by our id, its checkout or its intent."""

    payment: UUID | None = None
    checkout: str | None = None
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    about: About
    money: Money


@dataclass(frozen=True, slots=True)
class Declined:
    """A card was tried in vain. At a checkout the buyer may try the next one."""

    about: About
    reason: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The checkout can't be paid any more."""

    about: About


@dataclass(frozen=True, slots=True)
class Refunded:
    """`total`: minor units given back of this payment up to now."""

    about: About
    total: int


@dataclass(frozen=True, slots=True)
class Disputed:
    id: str
    about: About
    amount: int
    state: DisputeState
    reason: str


@dataclass(frozen=True, slots=True)
class CustomerKnown:
    customer: str
    account_id: int | None


@dataclass(frozen=True, slots=True)
class CardKept:
    card: str
    customer: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class CardRemoved:
    card: str


@dataclass(frozen=True, slots=True)
class SellerTold:
    """What a connected account may do by now."""

    seller: str
    charges_enabled: bool
    details_submitted: bool


Word = Paid | Declined | Expired | Refunded | Disputed | CustomerKnown | CardKept | CardRemoved | SellerTold


@dataclass(frozen=True, slots=True)
class News:
    """One event. `reseller`: the key that its metadata name, or "". `references`: ids by which others may mean the same."""

    word: Word
    at: datetime
    reseller: str
    references: tuple[str, ...]


Json = Mapping[str, Any]


def read_news(type_: str, payload: str) -> News | None:
    """None for a type that means nothing to us. Raises ValueError or KeyError for one that is not as it should be."""
    reader = _READERS.get(type_)
    if reader is None:
        return None
    event = json.loads(payload)
    thing: Json = event["data"]["object"]
    word = reader(thing)
    if word is None:
        return None
    return News(
        word,
        datetime.fromtimestamp(event["created"], UTC),
        str((thing.get("metadata") or {}).get(RESELLER, "")),
        _references(thing),
    )


def _paid_checkout(thing: Json) -> Word | None:
    if thing.get("mode") != "payment" or thing.get("payment_status") != "paid":
        return None  # a card that was saved, or money that is still on its way: other events tell of both
    return Paid(_about(thing), Money(int(thing["amount_total"]), str(thing["currency"]).upper()))


def _failed_checkout(thing: Json) -> Word:
    return Declined(_about(thing), "the payment did not arrive")


def _expired_checkout(thing: Json) -> Word | None:
    return Expired(_about(thing)) if thing.get("mode") == "payment" else None


def _paid_intent(thing: Json) -> Word:
    amount = thing.get("amount_received", thing["amount"])
    return Paid(_about(thing), Money(int(amount), str(thing["currency"]).upper()))


def _failed_intent(thing: Json) -> Word:
    error: Json = thing.get("last_payment_error") or {}
    return Declined(_about(thing), str(error.get("decline_code") or error.get("code") or "card_declined"))


def _refunded(thing: Json) -> Word:
    return Refunded(_about(thing), int(thing["amount_refunded"]))


# Stripe's words for the state of a dispute. The warnings are inquiries, which move no money.
_DISPUTES = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY,
    "warning_closed": DisputeState.WON,
    "prevented": DisputeState.WON,
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}


def _disputed(thing: Json) -> Word:
    state = _DISPUTES[str(thing["status"])]
    return Disputed(
        str(thing["id"]), _about(thing), int(thing["amount"]), state, str(thing.get("reason") or "")
    )


def _customer(thing: Json) -> Word:
    account = str((thing.get("metadata") or {}).get(ACCOUNT, ""))
    return CustomerKnown(str(thing["id"]), int(account) if account.isdigit() else None)


def _card_kept(thing: Json) -> Word | None:
    if thing.get("type") != "card" or not thing.get("customer"):
        return None
    card: Json = thing["card"]
    return CardKept(
        card=str(thing["id"]),
        customer=str(thing["customer"]),
        brand=str(card["brand"]),
        last4=str(card["last4"]),
        exp_month=int(card["exp_month"]),
        exp_year=int(card["exp_year"]),
    )


def _card_removed(thing: Json) -> Word:
    return CardRemoved(str(thing["id"]))


def _seller(thing: Json) -> Word:
    return SellerTold(str(thing["id"]), bool(thing["charges_enabled"]), bool(thing["details_submitted"]))


_READERS: Mapping[str, Callable[[Json], Word | None]] = {
    "checkout.session.completed": _paid_checkout,
    "checkout.session.async_payment_succeeded": _paid_checkout,
    "checkout.session.async_payment_failed": _failed_checkout,
    "checkout.session.expired": _expired_checkout,
    "payment_intent.succeeded": _paid_intent,
    "payment_intent.payment_failed": _failed_intent,
    "charge.refunded": _refunded,
    "charge.dispute.created": _disputed,
    "charge.dispute.updated": _disputed,
    "charge.dispute.closed": _disputed,
    "customer.created": _customer,
    "customer.updated": _customer,
    "payment_method.attached": _card_kept,
    "payment_method.updated": _card_kept,
    "payment_method.automatically_updated": _card_kept,
    "payment_method.detached": _card_removed,
    "account.updated": _seller,
}
# What our endpoints at the payment service ask to be told of.
EVENT_TYPES = tuple(_READERS)


def _about(thing: Json) -> About:
    """A checkout session or an intent is itself what it is about; a charge or a dispute names its intent."""
    id_ = str(thing["id"])
    payment = str((thing.get("metadata") or {}).get(PAYMENT, ""))
    return About(
        payment=UUID(payment) if payment else None,
        checkout=id_ if id_.startswith("cs_") else None,
        intent=id_ if id_.startswith("pi_") else _id_of(thing.get("payment_intent")),
    )


def _references(thing: Json) -> tuple[str, ...]:
    """The ids that routes are kept for: of customers, intents and cards."""
    named = (str(thing["id"]), _id_of(thing.get("payment_intent")), _id_of(thing.get("customer")))
    return tuple(name for name in named if name and name.startswith(("cus_", "pi_", "pm_")))


def _id_of(value: Any) -> str | None:
    """Another object comes as its id, or, when it was expanded, as a whole."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return str(value) if value else None
