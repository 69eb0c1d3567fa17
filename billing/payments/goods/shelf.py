"""What every good can do, and what it works with."""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from billing.money import Money, round_half_up
from billing.payments.models import Payment
from billing.payments.purchases import Purchase, Quote
from platform_core.clock import Clock
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class Order:
    """A payment on its way to what was bought, inside the reseller's session; the caller holds the payment's lock."""

    session: Session
    account: Account
    payment: Payment
    clock: Clock

    def worth(self, units: int) -> Money:
        """What some of the units cost, before VAT. The parts of several calls need not add up to the cent."""
        net = self.payment.asked - self.payment.tax
        return Money(round_half_up(net * units, self.payment.units), self.payment.currency)


@dataclass(frozen=True, slots=True)
class Delivered:
    """`lots`: the credit lots that it went into."""

    lots: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Units that came back, and those that were used up already."""

    taken: int
    missing: int


class Goods(Protocol):
    """One good. Raises NotForSale where it can't be had."""

    def quote(self, session: Session, account: Account, purchase: Purchase, currency: str) -> Quote: ...

    def deliver(self, order: Order) -> Delivered:
        """Hand over all units of the payment. Raises FrankpostError where that has to wait; it is tried again then."""
        ...

    def take_back(self, order: Order, units: int) -> TakenBack:
        """The money for so many of them is gone again."""
        ...

    def give_again(self, order: Order, units: int) -> Delivered:
        """The money for so many that were taken back has returned: a dispute was won."""
        ...
