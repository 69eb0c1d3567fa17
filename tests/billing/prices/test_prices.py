"""Prices of credits: the account's own, else the list price; rounded half up to a minor unit."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from billing.money import Money
from billing.prices.queries import Price, price_of
from billing.prices.services import clear_price, set_price
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import InvalidInput
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account

CLOCK = StoppedClock(datetime(2026, 11, 10, 12, tzinfo=UTC))


def test_a_customer_pays_its_own_price_else_the_list_price_else_nothing(
    app: Flask, reseller: ResellerRef
) -> None:
    with tenant_session(reseller) as session:
        customer = create_sub_account(session, NewAccount("Contoso"))
        assert price_of(session, customer) is None
        set_price(session, main_account(session), Money(100, "EUR"), clock=CLOCK)
        assert price_of(session, customer) == Price(Money(100, "EUR"), own=False)
        set_price(session, customer, Money(80, "USD"), clock=CLOCK)
        set_price(session, customer, Money(79, "USD"), clock=CLOCK)
        assert price_of(session, customer) == Price(Money(79, "USD"), own=True)
        clear_price(session, customer)
        assert price_of(session, customer) == Price(Money(100, "EUR"), own=False)


@pytest.mark.parametrize(
    ("per_thousand", "credits", "price"),
    [
        (100, 1, 0),
        (100, 4, 0),
        (100, 5, 1),
        (100, 14, 1),
        (100, 15, 2),
        (99, 1000, 99),
        (99, 10_000_000, 990_000),
        (1, 499, 0),
        (1, 500, 1),
        (1, 1499, 1),
        (0, 1_000_000, 0),
        (10**9, 10**12, 10**18),
    ],
)
def test_a_price_is_rounded_half_up_once(per_thousand: int, credits: int, price: int) -> None:
    assert Price(Money(per_thousand, "EUR"), own=True).of(credits) == Money(price, "EUR")


@pytest.mark.parametrize("wrong", [Money(-1, "EUR"), Money(10**9 + 1, "EUR"), Money(1, "eur"), Money(1, "")])
def test_a_price_that_can_not_be_asked_is_refused(app: Flask, reseller: ResellerRef, wrong: Money) -> None:
    with tenant_session(reseller) as session, pytest.raises(InvalidInput):
        set_price(session, main_account(session), wrong, clock=CLOCK)
