"""Wallets: the balance is the sum of what came and went, each once, and it does not go below nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from billing.money import Money
from billing.wallet.queries import wallet_lines, wallet_of
from billing.wallet.services import WalletChange, WalletReason, charge_wallet, credit_wallet
from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import InsufficientFunds, InvalidInput
from tenants.accounts.queries import main_account

CLOCK = SystemClock()


def put_in(session: Session, amount: int, reference: str, currency: str = "EUR") -> WalletChange:
    account, money = main_account(session), Money(amount, currency)
    return credit_wallet(
        session, account, money, reason=WalletReason.PAID_IN, reference=reference, clock=CLOCK
    )


def take_out(session: Session, amount: int, reference: str) -> WalletChange:
    account, money = main_account(session), Money(amount, "EUR")
    return charge_wallet(
        session, account, money, reason=WalletReason.CHARGED, reference=reference, clock=CLOCK
    )


def test_a_wallet_holds_what_came_less_what_went(reseller: ResellerRef) -> None:
    with tenant_session(reseller) as session:
        assert wallet_of(session, main_account(session)).balance is None
        put_in(session, 1000, "a")
        take_out(session, 300, "b")
        assert wallet_of(session, main_account(session)).balance == Money(700, "EUR")
        lines = wallet_lines(session, main_account(session))
    assert [(line.amount.amount, line.balance.amount) for line in lines] == [(-300, 700), (1000, 1000)]


def test_the_same_reason_and_reference_count_once(reseller: ResellerRef) -> None:
    with tenant_session(reseller) as session:
        assert put_in(session, 1000, "a").written
        assert put_in(session, 1000, "a") == WalletChange(Money(1000, "EUR"), written=False)


def test_no_more_goes_than_is_there_whoever_takes_at_once(headless_app: Flask, reseller: ResellerRef) -> None:
    with tenant_session(reseller) as session:
        put_in(session, 1000, "a")
        session.commit()

    def take(number: int) -> bool:
        with headless_app.app_context(), tenant_session(reseller) as session:
            try:
                take_out(session, 300, f"take {number}")
                session.commit()
            except InsufficientFunds:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(8))) == 3


def test_a_wallet_is_kept_in_one_currency(reseller: ResellerRef) -> None:
    with tenant_session(reseller) as session:
        put_in(session, 1000, "a")
        with pytest.raises(InvalidInput):
            put_in(session, 1000, "b", "USD")


@pytest.mark.parametrize("amount", [0, -5])
def test_nothing_and_less_is_no_amount(reseller: ResellerRef, amount: int) -> None:
    with tenant_session(reseller) as session, pytest.raises(InvalidInput):
        put_in(session, amount, "a")


@pytest.mark.parametrize("change", ["UPDATE wallet_entry SET amount = 1", "DELETE FROM wallet_entry"])
def test_what_is_written_stays(reseller: ResellerRef, change: str) -> None:
    with tenant_session(reseller) as session:
        put_in(session, 1000, "a")
        with pytest.raises(ProgrammingError):
            session.execute(text(change))
