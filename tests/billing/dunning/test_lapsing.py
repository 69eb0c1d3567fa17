"""Warnings of credits that will lapse: when, to whom, once, and with a forecast."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from billing.dunning.forecast import forecasts
from billing.dunning.lapsing import warn_of_lapsing
from billing.dunning.letters import tell
from billing.ledger.models import LotOrigin
from billing.ledger.queries import Lot
from billing.ledger.services import grant_credits, revoke_bought
from billing.money import Money
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef
from tenants.models import Account
from tests.billing.dunning.conftest import Pigeonhole, words_of

DAY = timedelta(days=1)


def lot(clock: StoppedClock, remaining: int, days: int) -> Lot:
    end = clock.now() + timedelta(days=days)
    return Lot(days, LotOrigin.BOUGHT, remaining, remaining, clock.now(), end, Money(0, ""))


@pytest.mark.parametrize(
    ("rate", "will_lapse"),
    [
        (0, [100, 500]),
        (30, [70, 440]),  # 30 by day 30; in the 60 days after that 60 more
        (300, [0, 0]),
        (150, [0, 150]),
    ],
)
def test_the_forecast_spends_what_lapses_first_first(
    clock: StoppedClock, rate: int, will_lapse: list[int]
) -> None:
    found = forecasts([lot(clock, 100, 30), lot(clock, 500, 90)], rate, clock.now())
    assert [one.will_lapse for one in found] == will_lapse


def test_a_lot_is_warned_of_at_60_30_and_7_days_once_each(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    end = grant_credits(rows, customer, 1000, clock=clock).expires_at
    warned_at = []
    while clock.now() < end:
        for _ in range(2):
            warned_at += [(end - clock.now()).days] * warn_of_lapsing(rows, clock=clock)
        clock.advance(DAY)
    assert warned_at == [60, 30, 7]


def test_nothing_is_said_of_an_empty_lot(rows: Session, customer: Account, clock: StoppedClock) -> None:
    granted = grant_credits(rows, customer, 1000, clock=clock)
    revoke_bought(rows, [granted.lot_id], 1000, clock=clock, note="refunded")
    clock.advance(granted.expires_at - clock.now() - DAY)
    assert warn_of_lapsing(rows, clock=clock) == 0


def test_both_levels_are_told_in_the_resellers_name(
    rows: Session,
    reseller: ResellerRef,
    customer: Account,
    clock: StoppedClock,
    post: Pigeonhole,
) -> None:
    end = grant_credits(rows, customer, 1234, clock=clock).expires_at
    clock.advance(end - clock.now() - 20 * DAY)
    warn_of_lapsing(rows, clock=clock)
    rows.commit()
    for _ in range(2):
        tell(reseller, post, platform=None, clock=clock)
    customers, resellers = sorted(post.posted, key=lambda one: one[1] != "owner@muster.example")
    assert customers[1] == "owner@muster.example"
    for message, _ in (customers, resellers):
        words = words_of(message)
        assert "1,234 credits lapse" in words
        assert "in 20 days; as things go, 1,234 of them will not be spent" in words
        assert message["From"].addresses[0].domain == "acme.example"
