"""When credits that are granted lapse: a year later to the instant, as the account's own clock shows it."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from billing.ledger.expiry import one_year_after
from billing.ledger.models import CreditEntry, CreditLot
from billing.ledger.queries import entries_of, lots_of
from billing.ledger.services import MOST_CREDITS, grant_credits
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import InvalidInput
from tenants.accounts.queries import main_account


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]  # year, month, day and so on


@pytest.mark.parametrize(
    ("at", "time_zone", "lapses"),
    [
        (utc(2026, 11, 10, 12, 34, 56, 789), "UTC", utc(2027, 11, 10, 12, 34, 56, 789)),
        (utc(2028, 2, 29, 12), "UTC", utc(2029, 2, 28, 12)),
        (utc(2027, 2, 28, 12), "UTC", utc(2028, 2, 28, 12)),
        (utc(2027, 3, 1), "UTC", utc(2028, 3, 1)),
        # 29 February there, though 28 or 1 in UTC.
        (utc(2028, 2, 28, 20), "Asia/Tokyo", utc(2029, 2, 27, 20)),
        (utc(2028, 3, 1, 2), "America/New_York", utc(2029, 3, 1, 2)),
        # Winter in one year and summer in the other: noon stays noon.
        (utc(2026, 10, 25, 11), "Europe/Vienna", utc(2027, 10, 25, 10)),
        (utc(2027, 3, 28, 10), "Europe/Vienna", utc(2028, 3, 28, 10)),
        (utc(2026, 3, 28, 11), "Europe/Vienna", utc(2027, 3, 28, 10)),
        (utc(2026, 3, 9, 16), "America/New_York", utc(2027, 3, 9, 17)),
    ],
)
def test_credits_lapse_a_year_later_by_the_accounts_clock(
    at: datetime, time_zone: str, lapses: datetime
) -> None:
    assert one_year_after(at, time_zone) == lapses


def test_a_wall_clock_time_that_is_skipped_a_year_later_still_comes_to_an_instant() -> None:
    """02:30 does not exist in Vienna on 28 March 2027: it is taken as 03:30, and not an hour too early."""
    bought = utc(2026, 3, 28, 1, 30)
    assert one_year_after(bought, "Europe/Vienna") == utc(2027, 3, 28, 1, 30)


def test_the_repeated_hour_keeps_its_place_a_year_later() -> None:
    """02:30 comes twice in Vienna on 25 October 2026; a year later that is an ordinary hour."""
    first, second = utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)
    assert one_year_after(first, "Europe/Vienna") == one_year_after(second, "Europe/Vienna")


def test_a_grant_is_a_lot_and_its_entry(app: Flask, reseller: ResellerRef) -> None:
    clock = StoppedClock(utc(2028, 2, 29, 12))
    with tenant_session(reseller) as session:
        account = main_account(session)
        granted = grant_credits(session, account, 500, clock=clock, note="Welcome")
        [lot] = lots_of(session, account.id)
        [entry] = entries_of(session, account.id)
    assert (granted.lot_id, granted.credits, granted.expires_at) == (lot.id, 500, utc(2029, 2, 28, 12))
    assert (lot.credits, lot.remaining, lot.origin, lot.acquired_at) == (500, 500, "granted", clock.now())
    assert (entry.lot_id, entry.credits, entry.kind, entry.note) == (lot.id, 500, "granted", "Welcome")


@pytest.mark.parametrize("credits", [0, -1, MOST_CREDITS + 1])
def test_a_grant_of_nothing_or_too_much_is_refused_and_writes_nothing(
    app: Flask, reseller: ResellerRef, credits: int
) -> None:
    with tenant_session(reseller) as session:
        account = main_account(session)
        with pytest.raises(InvalidInput):
            grant_credits(session, account, credits, clock=StoppedClock(utc(2026, 1, 1)))
        assert session.query(CreditLot).count() == session.query(CreditEntry).count() == 0


def test_the_most_that_can_be_granted_is_granted(app: Flask, reseller: ResellerRef) -> None:
    with tenant_session(reseller) as session:
        account = main_account(session)
        for _ in range(3):
            grant_credits(session, account, MOST_CREDITS, clock=StoppedClock(utc(2026, 1, 1)))
        assert sum(lot.remaining for lot in lots_of(session, account.id)) == 3 * MOST_CREDITS
