"""Figures of a day: what is counted, and when the day begins."""

from datetime import UTC, datetime, timedelta

import pytest

from platform_core.database import db, tenant_session
from relay_worker.reports.queries import (
    DayFigures,
    figures_today,
    queue_depths,
    reseller_today,
    sub_accounts_today,
)
from tests.fixtures_web import Agency, bounced, deliver, delivered, send


def day(**counts: int) -> DayFigures:
    names = DayFigures.__dataclass_fields__
    return DayFigures(**{name: counts.get(name, 0) for name in names})


@pytest.mark.parametrize(
    ("figures", "rate"),
    [
        (day(sent=5, in_queue=5), None),
        (day(delivered=3, bounced_soft=1), 0.75),
        (day(delivered=1, bounced_hard=1, expired=2), 0.25),
        (day(delivered=4, deferred=9, dropped=3), 1.0),
    ],
)
def test_the_rate_counts_what_has_ended(figures: DayFigures, rate: float | None) -> None:
    assert figures.delivery_rate == rate


def test_each_account_has_its_own_figures_and_the_reseller_all_of_them(agency: Agency) -> None:
    deliver(delivered)
    send(agency.customer, "One", "Two")
    deliver(delivered)
    send(agency.other, "Three")
    deliver(bounced)
    send(agency.main, "Four")
    now = datetime.now(UTC)
    with tenant_session(agency.ref) as session:
        assert figures_today(session, agency.customer.id, now) == day(sent=2, delivered=2)
        assert figures_today(session, agency.other.id, now) == day(sent=1, bounced_hard=1)
        assert figures_today(session, agency.main.id, now) == day(sent=1, in_queue=1)
        assert reseller_today(session, now) == day(sent=4, delivered=2, bounced_hard=1, in_queue=1)
        assert [one.today.sent for one in sub_accounts_today(session, now)] == [2, 1]


def test_tomorrow_begins_with_zeros_but_the_queue_stays(agency: Agency) -> None:
    send(agency.customer, "Waits")
    with tenant_session(agency.ref) as session:
        tomorrow = figures_today(session, agency.customer.id, datetime.now(UTC) + timedelta(days=1))
    assert tomorrow == day(in_queue=1)


def test_the_queue_is_known_to_the_platform_by_reseller(agency: Agency) -> None:
    deliver(delivered)
    send(agency.customer, "One", "Two")
    depths = {depth.reseller_id: depth.recipients for depth in queue_depths(db.session())}
    assert depths[agency.ref.id] == 2
