"""Money as people type it."""

import pytest

from billing.money import Money
from platform_core.errors import InvalidInput
from whitelabel.portal.billing.amounts import read_money


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [("12.50", "EUR", 1250), (" 12,5 ", "EUR", 1250), ("7", "EUR", 700), ("500", "JPY", 500)],
)  # fmt: skip
def test_an_amount_is_read_to_the_minor_unit(typed: str, currency: str, minor: int) -> None:
    assert read_money(typed, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("abc", "such as 12.50"),
        ("", "such as 12.50"),
        ("1,000.00", "such as 12.50"),
        ("NaN", "such as 12.50"),
        ("1e999999", "such as 12.50"),
        ("-1e999999", "such as 12.50"),
        ("1e13", "too large"),
        ("Infinity", "too large"),
        ("12.505", "2 digits"),
    ],
)
def test_what_is_no_amount_is_refused_in_words(typed: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_money(typed, "EUR")
