"""Money: whole minor units of a currency, and the one place where amounts are rounded. No float comes near."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from babel.numbers import format_currency

from platform_core.errors import InvalidInput

PER_CREDITS = 1000  # credits are priced by the thousand
WHOLE = 10_000  # basis points: 1900 are 19 %

# ISO 4217, as of 2026: currencies with an exponent of 2, which is that of most, and those without minor units. Those with
# three digits (BHD, JOD, KWD, OMR, TND) are left out: EN 16931 allows two decimals in an amount (BR-DEC-*).
_TWO_DIGITS = (
    "AED AUD BAM BGN BRL CAD CHF CNY CZK DKK EGP EUR GBP GEL HKD HUF IDR ILS INR KES MAD MDL MKD MXN MYR NGN NOK NZD PEN"
    " PHP PLN RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD UYU ZAR"
)
_NO_DIGITS = "CLP ISK JPY KRW PYG VND"
_DIGITS = dict.fromkeys(_TWO_DIGITS.split(), 2) | dict.fromkeys(_NO_DIGITS.split(), 0)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents) of a currency (ISO 4217, upper case)."""

    amount: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def decimal(self) -> Decimal:
        """In major units, with all digits of the currency: 1.50 for 150 cents."""
        return Decimal(self.amount).scaleb(-minor_digits(self.currency))

    def text(self, locale: str = "en") -> str:
        """For people, in a language of Babel's: `€1,234.50`."""
        return format_currency(self.decimal(), self.currency, locale=locale)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} can't be reckoned with {self.currency}.")
        return other.amount


def minor_digits(currency: str) -> int:
    """Digits after the point: 2 for EUR, 0 for JPY. Raises InvalidInput for a currency we don't know."""
    if currency not in _DIGITS:
        raise InvalidInput("currency", f"{currency!r} is not a currency we can bill in, such as EUR or USD.")
    return _DIGITS[currency]


def round_half_up(numerator: int, denominator: int) -> int:
    """The quotient as a whole number; a half goes away from zero, so that a credit mirrors its charge."""
    if denominator <= 0:
        raise ValueError("The denominator must be positive.")
    whole = (2 * abs(numerator) + denominator) // (2 * denominator)
    return whole if numerator >= 0 else -whole


def price_of(quantity: int, unit_price: int, per: int = 1) -> int:
    """Minor units of `quantity` things at `unit_price` for every `per` of them; rounded once, at the end."""
    return round_half_up(quantity * unit_price, per)


def share_of(amount: int, basis_points: int) -> int:
    """Minor units of a rate in basis points, as VAT is reckoned: `share_of(10_000, 1900)` are 1900."""
    return round_half_up(amount * basis_points, WHOLE)


def net_within(gross: int, basis_points: int) -> int:
    """What is left of a price that includes VAT: `net_within(11_900, 1900)` are 10,000."""
    return round_half_up(gross * WHOLE, WHOLE + basis_points)


def split_by(amount: int, weights: tuple[int, ...]) -> tuple[int, ...]:
    """`amount` cut into parts in the proportion of `weights`; the parts always add up to it.

    Each cut is made at the rounded running total, so that no part is off by more than one minor unit.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("Weights must not be negative, and some must be positive.")
    cuts = [round_half_up(amount * sum(weights[:n]), total) for n in range(len(weights) + 1)]
    return tuple(after - before for before, after in pairwise(cuts))
