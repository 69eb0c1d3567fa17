"""The platform's price list for resellers: reading, writing, and finding the line that counts."""

from dataclasses import dataclass

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from billing.money import PER_CREDITS, Money, minor_digits, price_of
from billing.payments.models import PlatformPrice
from billing.payments.purchases import Good
from platform_core.database import ResellerRef, db
from platform_core.errors import InvalidInput, NotForSale

MOST_PER_PRICE = 10**9  # minor units
_PER = {Good.CREDITS: PER_CREDITS, Good.DEDICATED_IP: 1, Good.HANDED_ON_IP: 1}


@dataclass(frozen=True, slots=True)
class PriceLine:
    """From so many units on, `amount` is asked for 1,000 credits or for one IP. `own`: for one reseller alone."""

    good: Good
    from_units: int
    amount: Money
    own: bool = False

    def of(self, units: int) -> Money:
        """What so many units cost, rounded half up to a minor unit."""
        return Money(price_of(units, self.amount.amount, _PER[self.good]), self.amount.currency)


def price_lines(reseller: ResellerRef | None, good: Good, currency: str) -> tuple[PriceLine, ...]:
    """The lines that hold for a reseller, smallest number first: its own where it has any, else everybody's.

    Reads the platform's rows in a transaction of its own, so that it may be asked from within a reseller's session.
    """
    with Session(db.engine) as session:
        query = select(PlatformPrice).where(
            PlatformPrice.good == good,
            PlatformPrice.currency == currency,
            or_(
                PlatformPrice.reseller_id.is_(None),
                PlatformPrice.reseller_id == (reseller.id if reseller else None),
            ),
        )
        rows = session.scalars(query.order_by(PlatformPrice.from_units)).all()
    own = any(row.reseller_id is not None for row in rows)
    return tuple(
        PriceLine(good, row.from_units, Money(row.amount, row.currency), own)
        for row in rows
        if (row.reseller_id is not None) == own
    )


def line_for(lines: tuple[PriceLine, ...], units: int) -> PriceLine:
    """The line that counts for a number of units. Raises NotForSale when there is none."""
    fitting = [line for line in lines if line.from_units <= units]
    if not fitting:
        raise NotForSale("There is no price for this number.")
    return fitting[-1]


def set_price_line(session: Session, reseller: ResellerRef | None, line: PriceLine) -> None:
    """Write a line of the price list (platform's session); one with the same number and currency goes.

    Raises InvalidInput.
    """
    minor_digits(line.amount.currency)
    if line.good not in _PER or line.from_units < 1 or not 0 < line.amount.amount <= MOST_PER_PRICE:
        raise InvalidInput("price", "A price is a positive number of minor units, from one unit on.")
    remove_price_line(session, reseller, line)
    session.add(
        PlatformPrice(
            reseller_id=reseller.id if reseller else None,
            good=line.good,
            currency=line.amount.currency,
            from_units=line.from_units,
            amount=line.amount.amount,
        )
    )
    session.flush()


def remove_price_line(session: Session, reseller: ResellerRef | None, line: PriceLine) -> None:
    """Take the line with this number and currency off the list."""
    whose = PlatformPrice.reseller_id == reseller.id if reseller else PlatformPrice.reseller_id.is_(None)
    session.execute(
        delete(PlatformPrice).where(
            whose,
            PlatformPrice.good == line.good,
            PlatformPrice.currency == line.amount.currency,
            PlatformPrice.from_units == line.from_units,
        )
    )
