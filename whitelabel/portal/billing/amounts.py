"""Money as people type it and as pages show it."""

from decimal import Decimal

from flask import Flask
from flask_babel import get_locale

from billing.money import Money, minor_digits
from platform_core.errors import InvalidInput

_MOST = Decimal(10) ** 12


def read_money(text: str, currency: str) -> Money:
    """What somebody typed, in major units, with a point or a comma. Raises InvalidInput.

    No thousands separators: nobody can tell `1,000` from one with three decimals.
    """
    digits = minor_digits(currency)
    try:
        minor = Decimal(text.strip().replace(",", ".")).scaleb(digits)
        if not abs(minor) <= _MOST:  # comparing with NaN raises
            raise InvalidInput("amount", "This amount is too large.")
    except ArithmeticError:
        raise InvalidInput("amount", "Please enter an amount such as 12.50.") from None
    if minor != minor.to_integral_value():
        raise InvalidInput("amount", f"{currency} has {digits} digits after the point.")
    return Money(int(minor), currency)


def read_number(text: str) -> int:
    """A whole number as somebody typed it, perhaps with spaces. Raises InvalidInput."""
    digits = "".join(text.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise InvalidInput("number", "Please enter a whole number.")
    return int(digits)


def money(value: Money) -> str:
    """In the reader's language; nothing for what has no currency, since nothing was asked or paid."""
    return value.text(str(get_locale() or "en")) if value.currency else "–"  # noqa: RUF001 - an en dash stands for "nothing"


def add_money(app: Flask) -> None:
    """Let the templates of `app` show money, also such as is kept as a bare number of minor units."""
    app.jinja_env.filters["money"] = money
    app.jinja_env.globals["in_minor_units"] = Money
