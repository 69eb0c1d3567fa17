"""What can be bought, and what it comes to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from billing.invoices.taxes import Taxed
from billing.invoices.vat import Vat
from billing.money import Money


class Good(StrEnum):
    """What money from outside may be for. Units: credits, minor units of the wallet, plans, IPs, invoices.

    HANDED_ON_IP is on the price list alone: a reseller's months of its customers' IPs come out of its wallet.
    """

    CREDITS = "credits"
    WALLET = "wallet"
    PLAN = "plan"
    DEDICATED_IP = "dedicated_ip"
    HANDED_ON_IP = "handed_on_ip"
    INVOICE = "invoice"


class Origin(StrEnum):
    """How a payment came about: a person at the checkout, the rule of an automatic top-up, or the wallet paid."""

    CHECKOUT = "checkout"
    TOP_UP = "top_up"
    WALLET = "wallet"


@dataclass(frozen=True, slots=True)
class Purchase:
    """What somebody wants. `item`: which plan or which invoice, by its id."""

    good: Good
    units: int = 1
    item: str = ""

    @classmethod
    def credits(cls, number: int) -> Self:
        return cls(Good.CREDITS, number)

    @classmethod
    def wallet(cls, minor_units: int) -> Self:
        """Money to keep, in the seller's currency."""
        return cls(Good.WALLET, minor_units)

    @classmethod
    def plan(cls, plan_id: int) -> Self:
        return cls(Good.PLAN, 1, str(plan_id))

    @classmethod
    def dedicated_ips(cls, number: int = 1) -> Self:
        return cls(Good.DEDICATED_IP, number)

    @classmethod
    def invoice(cls, invoice_id: int) -> Self:
        return cls(Good.INVOICE, 1, str(invoice_id))


@dataclass(frozen=True, slots=True)
class Quote:
    """A purchase with its price before VAT, and the words that the buyer reads at the checkout.

    `taxed` None: VAT is no question here: money for the wallet buys nothing yet, and an invoice says its own.
    """

    purchase: Purchase
    net: Money
    description: str
    taxed: Taxed | None = None

    @property
    def vat(self) -> Vat | None:
        """Which one, where there is a question."""
        return self.taxed.vat if self.taxed else None

    @property
    def tax(self) -> Money:
        """The VAT on it."""
        return self.taxed.tax if self.taxed else Money(0, self.net.currency)

    @property
    def price(self) -> Money:
        """What the buyer pays."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class BackTo:
    """Where the payment service sends the buyer's browser afterwards: absolute addresses of ours."""

    paid: str
    cancelled: str
