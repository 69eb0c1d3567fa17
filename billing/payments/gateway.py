"""The payment service as the rest of billing sees it: an interface, and what goes over it.

Every call that changes something carries a key, so that asking again after a lost answer changes nothing more. `seller`
is the connected account that sells, or "" for the platform. Calls raise PaymentDeclined when a bank says no, and
Unavailable for everything that is not the buyer's fault. None of them may be made with a transaction open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from billing.money import Money

PLATFORM = ""


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """Somebody who will pay. `metadata` comes back with every event about the customer."""

    key: str
    name: str
    email: str
    metadata: Mapping[str, str]
    seller: str = PLATFORM


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """A page on which a customer pays `price` and the VAT on it. `save_card`: for later payments without the customer."""

    key: str
    customer: str
    price: Money
    tax: Money
    description: str
    metadata: Mapping[str, str]
    paid_url: str
    cancelled_url: str
    save_card: bool = False
    seller: str = PLATFORM


@dataclass(frozen=True, slots=True)
class CardOrder:
    """A page on which a customer leaves a card without paying."""

    key: str
    customer: str
    currency: str
    saved_url: str
    cancelled_url: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    seller: str = PLATFORM


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """A page of the payment service, for one customer and a limited time."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class CardCharge:
    """A payment with a saved card while the customer is away."""

    key: str
    customer: str
    card: str
    price: Money
    description: str
    metadata: Mapping[str, str]
    seller: str = PLATFORM


@dataclass(frozen=True, slots=True)
class Charged:
    """What became of it. `paid` is None while the bank has yet to say."""

    intent: str
    paid: Money | None


@dataclass(frozen=True, slots=True)
class Received:
    """An event whose signature holds. `payload` is its body as it came; `account`: see StripeEvent."""

    id: str
    type: str
    account: str
    payload: str
    happened_at: datetime


class PaymentGateway(Protocol):
    """The real one is `billing.payments.stripe_gateway`."""

    def make_customer(self, customer: NewCustomer) -> str: ...

    def open_checkout(self, order: CheckoutOrder) -> OpenedPage: ...

    def open_card_page(self, order: CardOrder) -> OpenedPage: ...

    def open_portal(self, customer: str, *, back_to: str, seller: str) -> str:
        """The address of a page on which the customer sees and changes its cards."""
        ...

    def charge_card(self, charge: CardCharge) -> Charged: ...

    def remove_card(self, card: str, *, key: str, seller: str) -> None: ...

    def refund(self, intent: str, money: Money, *, key: str, seller: str) -> None: ...

    def make_seller(self, *, key: str, email: str, metadata: Mapping[str, str]) -> str:
        """A connected account in the seller's own name; returns its id."""
        ...

    def open_onboarding(self, seller: str, *, back_to: str, again: str) -> str:
        """The address at which the seller tells who it is. `again`: of ours, that leads to a fresh one."""
        ...

    def read_event(self, body: bytes, signature: str) -> Received:
        """Raises EventRejected unless the signature is the payment service's, and fresh."""
        ...
