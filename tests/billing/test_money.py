"""Rounding, the one place where a cent could get lost."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import Money, minor_digits, price_of, round_half_up, share_of, split_by
from platform_core.errors import InvalidInput


@pytest.mark.parametrize(
    ("quantity", "unit_price", "per", "expected"),
    [
        (1000, 50, 1000, 50),
        (1, 50, 1000, 0),  # 0.05 cents
        (9, 50, 1000, 0),  # 0.45
        (10, 50, 1000, 1),  # 0.5 goes up
        (11, 50, 1000, 1),
        (29, 50, 1000, 1),  # 1.45
        (30, 50, 1000, 2),  # 1.5
        (12_345, 49, 1000, 605),  # 604.905
        (1_000_000_000, 37, 1000, 37_000_000),
        (3, 1999, 1, 5997),
        (0, 1999, 1, 0),
        (-10, 50, 1000, -1),  # a credit mirrors its charge
        (-9, 50, 1000, 0),
    ],
)
def test_a_price_is_rounded_once_and_half_up(quantity: int, unit_price: int, per: int, expected: int) -> None:
    assert price_of(quantity, unit_price, per) == expected


@pytest.mark.parametrize(
    ("net", "basis_points", "expected"),
    [
        (10_000, 1900, 1900),
        (1, 1900, 0),  # 0.19
        (3, 1900, 1),  # 0.57
        (50, 1900, 10),  # 9.5
        (250, 1900, 48),  # 47.5
        (247, 1900, 47),  # 46.93
        (9_999, 2550, 2550),  # Finland: 2549.745
        (100, 810, 8),  # Switzerland: 8.1
        (1_850, 810, 150),  # 149.85
        (0, 1900, 0),
        (-250, 1900, -48),
        (12_345, 0, 0),
    ],
)
def test_vat_is_rounded_half_up(net: int, basis_points: int, expected: int) -> None:
    assert share_of(net, basis_points) == expected


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_rounding_is_what_decimal_makes_of_it(numerator: int, denominator: int) -> None:
    expected = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    assert abs(round_half_up(numerator, denominator) * denominator - numerator) * 2 <= denominator
    if abs(numerator) < 10**12:
        assert round_half_up(numerator, denominator) == int(expected)


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_parts_add_up_to_the_whole(amount: int, weights: list[int]) -> None:
    weights[0] += 1
    parts = split_by(amount, tuple(weights))
    assert sum(parts) == amount
    exact = [amount * weight / Decimal(sum(weights)) for weight in weights]
    assert all(abs(part - share) <= 1 for part, share in zip(parts, exact, strict=True))


@pytest.mark.parametrize(
    ("money", "locale", "text"),
    [
        (Money(123_450, "EUR"), "en", "€1,234.50"),
        (Money(123_450, "EUR"), "de", "1.234,50\xa0€"),
        (Money(500, "JPY"), "en", "¥500"),
        (Money(-5, "USD"), "en", "-$0.05"),
    ],
)
def test_money_reads_as_in_its_language(money: Money, locale: str, text: str) -> None:
    assert money.text(locale) == text


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="EUR"):
        Money(1, "USD") + Money(1, "EUR")


@pytest.mark.parametrize("currency", ["", "eur", "KWD", "XXX"])
def test_a_currency_we_cannot_bill_in_is_refused(currency: str) -> None:
    with pytest.raises(InvalidInput):
        minor_digits(currency)
