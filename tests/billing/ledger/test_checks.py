"""The check of the ledger finds what is wrong, and nothing where nothing is; and nobody changes what is written."""

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from flask import Flask

from billing.ledger.checks import QUERIES, Check, check_ledger
from billing.ledger.services import grant_credits
from billing.ledger.transfers import hand_over, take_back
from platform_core.database import ResellerRef, tenant_session
from tests.billing.ledger.conftest import Shop
from tests.fixtures_database import fresh_reseller
from tests.relay_worker.queue.desk import owner_connection

Tamper = Callable[[str], None]

WRITTEN = ("credit_entry", "credit_transfer", "credit_refund", "credit_lot")


@pytest.fixture
def lively(shop: Shop) -> Shop:
    """Books in which everything has happened that moves credits between accounts."""
    shop.buy(100, cost=1000)
    hand_over(shop.session, shop.stock, shop.customer, 60, clock=shop.clock)
    take_back(shop.session, shop.customer, shop.stock, 10, clock=shop.clock)
    grant_credits(shop.session, shop.customer, 5, clock=shop.clock)
    shop.session.commit()
    return shop


@pytest.fixture
def tamper(lively: Shop) -> Tamper:
    """As the database's owner, with the guards away for a moment."""

    def change(statement: str) -> None:
        with owner_connection(lively.reseller) as connection:
            for table in WRITTEN:
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # type: ignore[call-overload]
            connection.execute(statement)  # type: ignore[call-overload]
            for table in WRITTEN:
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")  # type: ignore[call-overload]

    return change


@pytest.fixture(scope="module")
def untouched(headless_app: Flask) -> ResellerRef:
    """For tests that change nothing: the guards stand before empty tables, too."""
    with headless_app.app_context():
        return fresh_reseller().reseller


def test_sound_books_are_found_sound_and_counted(lively: Shop) -> None:
    report = lively.check()
    assert report.sound
    assert (report.accounts, report.lots, report.entries, report.balance) == (2, 3, 6, 105)


BOUGHT = "(SELECT id FROM credit_lot WHERE origin = 'bought')"
RECEIVED = "(SELECT id FROM credit_lot WHERE origin = 'handed_over')"


@pytest.mark.parametrize(
    ("check", "statement"),
    [
        (Check.LOT_ADDS_UP, f"UPDATE credit_lot SET remaining = remaining + 1 WHERE id = {BOUGHT}"),
        (Check.LOT_ADDS_UP, "DELETE FROM credit_entry WHERE kind = 'taken_back'"),
        (Check.LOT_ADDS_UP, "INSERT INTO credit_entry (account_id, lot_id, kind, credits, at) VALUES (1, 0, 'granted', 1, now())"),
        (
            Check.LOT_IN_BOUNDS,
            "ALTER TABLE credit_lot DROP CONSTRAINT credit_lot_never_overdrawn;"
            f"UPDATE credit_lot SET remaining = -1 WHERE id = {BOUGHT}",
        ),
        (Check.OPENED_WHOLE, f"UPDATE credit_lot SET credits = credits + 1 WHERE id = {BOUGHT}"),
        (Check.OPENED_WHOLE, f"UPDATE credit_lot SET origin = 'granted' WHERE id = {BOUGHT}"),
        (Check.OWN_LOT, f"UPDATE credit_lot SET account_id = (SELECT account_id FROM credit_lot WHERE id = {RECEIVED}) WHERE id = {BOUGHT}"),
        (Check.SIGN, "UPDATE credit_entry SET credits = -credits WHERE kind = 'granted'"),
        (Check.SIGN, "UPDATE credit_entry SET kind = 'found' WHERE kind = 'granted'"),
        (Check.IN_TIME, "UPDATE credit_entry e SET at = l.expires_at FROM credit_lot l WHERE l.id = e.lot_id AND e.kind = 'taken_back'"),
        (Check.LEVELS_AGREE, "UPDATE credit_transfer SET credits = credits + 1 WHERE credits > 0"),
        (Check.LEVELS_AGREE, "DELETE FROM credit_transfer WHERE credits < 0"),
        (Check.SAME_EXPIRY, f"UPDATE credit_lot SET expires_at = expires_at + interval '1 day' WHERE id = {RECEIVED}"),
        (Check.COST_SHARED, f"UPDATE credit_lot SET cost = cost + 1 WHERE id = {RECEIVED}"),
        (Check.COST_SHARED, f"UPDATE credit_lot SET cost = 1 WHERE id = {BOUGHT}"),
        (
            Check.REFUNDED_ONCE,
            "INSERT INTO credit_refund SELECT gen_random_uuid(), 0, account_id, id, now() FROM credit_lot WHERE origin = 'granted'",
        ),
        (Check.REFUNDED_ONCE, f"INSERT INTO credit_entry (account_id, lot_id, kind, credits, at) SELECT account_id, id, 'refunded', 1, now() FROM credit_lot WHERE id = {BOUGHT}"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(lively: Shop, tamper: Tamper, check: Check, statement: str) -> None:
    tamper(statement)
    assert check in {fault.check for fault in lively.check().faults}


def test_a_guard_that_is_off_is_found(lively: Shop) -> None:
    with owner_connection(lively.reseller) as connection:
        connection.execute("ALTER TABLE credit_entry DISABLE TRIGGER credit_entry_stays")
    assert [fault.check for fault in lively.check().faults] == [Check.ENTRIES_STAY]


def test_every_check_has_its_query() -> None:
    assert set(QUERIES) == set(Check)


def test_a_fault_says_where_and_by_how_much(lively: Shop, tamper: Tamper) -> None:
    tamper(f"UPDATE credit_lot SET remaining = remaining - 3 WHERE id = {BOUGHT}")
    [fault] = lively.check().faults
    assert fault.account_id == lively.stock.id
    assert (fault.expected, fault.found) == (50, 47)


def test_all_checks_see_the_same_instant(lively: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credits that move while the check is under way are not seen half."""

    class Meanwhile(dict[Check, str]):
        def __getitem__(self, check: Check) -> str:
            if check is Check.LEVELS_AGREE:
                hand_over(lively.session, lively.stock, lively.customer, 1, clock=lively.clock)
                lively.session.commit()
            return super().__getitem__(check)

    monkeypatch.setattr("billing.ledger.checks.QUERIES", Meanwhile(QUERIES))
    with tenant_session(lively.reseller) as session:
        assert check_ledger(session).sound
    assert len(lively.lines(lively.stock)) == 4


STATEMENTS = ("UPDATE {} SET account_id = account_id", "DELETE FROM {}", "TRUNCATE {} CASCADE")


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("table", WRITTEN)
def test_not_even_the_owner_changes_what_is_written(
    untouched: ResellerRef, table: str, statement: str
) -> None:
    with owner_connection(untouched) as connection, pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute(statement.format(table))  # type: ignore[call-overload]


def test_a_lot_still_gives_what_it_holds(lively: Shop) -> None:
    lively.clock.advance(timedelta(days=1))
    hand_over(lively.session, lively.stock, lively.customer, 50, clock=lively.clock)
    assert lively.left(lively.stock) == {}
