"""Overage of a plan: who has it, what it costs, and what becomes of it from period to period."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from billing.ledger.checks import Check, check_ledger
from billing.ledger.queries import usage_of
from billing.money import Money
from billing.plans.catalogue import NewPlan, Overage, Plan, create_plan, edit_plan, plan_by_id
from billing.plans.overage import UNLIMITED
from billing.plans.renewals import pay_due, renew_due
from billing.plans.services import cancel_plan, change_plan, start_trial, subscribe, upgrade_now
from platform_core.database import tenant_session
from platform_core.errors import InvalidInput
from tests.billing.plans.conftest import START, Club
from tests.relay_worker.queue.desk import owner_connection

LARGE = NewPlan("Large", Money(1000, "EUR"), 100, overage=Overage(150, 50))


def large(club: Club, **changes: object) -> Plan:
    return create_plan(club.session, replace(LARGE, **changes))  # type: ignore[arg-type]


def count(club: Club, overage: int, *, period: datetime = START, month: str = "2026-01-01") -> None:
    """As acceptance does, which alone may."""
    club.session.commit()
    with owner_connection(club.reseller) as books:
        books.execute(
            "INSERT INTO account_month (account_id, month, period, accepted, overage) VALUES (%s, %s, %s, %s, %s)",
            [club.customer.id, month, period, overage, overage],
        )


def faults(club: Club) -> set[Check]:
    club.session.commit()
    with tenant_session(club.reseller) as session:
        return {fault.check for fault in check_ledger(session).faults}


@pytest.mark.parametrize("wrong", [Overage(0), Overage(-1), Overage(10**10), Overage(10, 0), Overage(10, -5)])
def test_overage_that_makes_no_sense_is_refused(club: Club, wrong: Overage) -> None:
    with pytest.raises(InvalidInput):
        large(club, overage=wrong)


def test_a_plan_keeps_what_it_asks_for_overage(club: Club) -> None:
    plan = large(club)
    assert plan_by_id(club.session, plan.id).overage == Overage(150, 50)
    assert edit_plan(club.session, plan.id, replace(LARGE, overage=None)).overage is None


def test_who_has_the_plan_may_send_as_much_beyond_it_as_was_agreed(club: Club) -> None:
    subscribe(club.session, club.customer, large(club).id, clock=club.clock, paid=True)
    assert (club.customer.overage_quota, club.customer.next_overage_quota) == (50, 50)
    count(club, 20)
    assert usage_of(club.session, club.customer, clock=club.clock).overage_left == 30


def test_without_a_limit_there_is_room_for_anything(club: Club) -> None:
    plan = large(club, overage=Overage(150))
    subscribe(club.session, club.customer, plan.id, clock=club.clock, paid=True)
    assert club.customer.overage_quota == UNLIMITED


def test_what_there_was_is_told_with_its_price_each_month_rounded_by_itself(club: Club) -> None:
    subscribe(club.session, club.customer, large(club).id, clock=club.clock, paid=True)
    count(club, 10)
    count(club, 10, month="2026-02-01")
    found = club.state.overage
    assert found
    assert (found.count, found.cost, found.per_thousand, found.limit) == (
        20,
        Money(4, "EUR"),  # 1.5 and 1.5
        Money(150, "EUR"),
        50,
    )


def test_a_trial_has_none(club: Club) -> None:
    start_trial(club.session, club.customer, large(club, trial_days=7).id, clock=club.clock)
    assert (club.customer.overage_quota, club.customer.next_overage_quota) == (0, 0)
    assert club.state.overage is None


def test_a_period_that_is_not_paid_has_none_until_it_is(club: Club) -> None:
    subscribe(club.session, club.customer, large(club).id, clock=club.clock, paid=True)
    club.wait_until(2026, 3, 1)
    renew_due(club.session, club.customer, clock=club.clock)
    assert (club.customer.plan_quota, club.customer.overage_quota) == (100, 0)
    club.pay_in(1000)
    pay_due(club.session, club.customer, clock=club.clock)
    assert club.customer.overage_quota == 50


def test_the_next_period_goes_by_the_plan_that_follows(club: Club) -> None:
    first, second = large(club), large(club, name="Small", price=Money(0, "EUR"), overage=Overage(90, 5))
    subscribe(club.session, club.customer, first.id, clock=club.clock, paid=True)
    change_plan(club.session, club.customer, second.id)
    assert (club.customer.overage_quota, club.customer.next_overage_quota) == (50, 5)
    club.wait_until(2026, 3, 1)
    renew_due(club.session, club.customer, clock=club.clock)
    assert (club.customer.overage_quota, club.state.overage and club.state.overage.per_thousand.amount) == (
        5,
        90,
    )


def test_after_the_end_there_is_none(club: Club) -> None:
    subscribe(club.session, club.customer, large(club).id, clock=club.clock, paid=True)
    cancel_plan(club.session, club.customer)
    assert (club.customer.overage_quota, club.customer.next_overage_quota) == (50, 0)
    club.wait_until(2026, 3, 1)
    renew_due(club.session, club.customer, clock=club.clock)
    assert (club.customer.overage_quota, club.customer.next_overage_quota) == (0, 0)


@pytest.mark.parametrize(
    ("dearer", "price", "most"), [(Overage(90, 80), 90, 80), (Overage(200, 10), 150, 50)]
)
def test_an_upgrade_never_makes_dearer_what_the_period_has_had(
    club: Club, dearer: Overage, price: int, most: int
) -> None:
    club.pay_in(5000)
    subscribe(club.session, club.customer, large(club).id, clock=club.clock)
    better = large(club, name="Huge", price=Money(2000, "EUR"), overage=dearer)
    upgrade_now(club.session, club.customer, better.id, clock=club.clock)
    found = club.state.overage
    assert found
    assert (found.per_thousand.amount, found.limit) == (price, most)
    assert club.customer.overage_quota == dearer.limit


def test_a_limit_that_falls_is_lifted_where_another_plan_has_none(club: Club) -> None:
    club.pay_in(5000)
    subscribe(club.session, club.customer, large(club).id, clock=club.clock)
    better = large(club, name="Huge", price=Money(2000, "EUR"), overage=Overage(150))
    upgrade_now(club.session, club.customer, better.id, clock=club.clock)
    assert club.state.overage and club.state.overage.limit is None


def test_the_ledgers_check_finds_overage_beyond_its_limit_or_without_terms(club: Club) -> None:
    subscribe(club.session, club.customer, large(club).id, clock=club.clock, paid=True)
    count(club, 50)
    assert faults(club) == set()
    count(club, 1, month="2026-02-01")
    assert faults(club) == {Check.OVERAGE_AGREED}


def test_between_a_period_and_its_renewal_overage_has_no_terms_yet(club: Club) -> None:
    subscribe(club.session, club.customer, large(club).id, clock=club.clock, paid=True)
    count(club, 7, period=datetime(2026, 2, 28, tzinfo=UTC), month="2026-02-01")
    assert faults(club) == set()
    club.pay_in(1000)
    club.wait_until(2026, 2, 28)
    renew_due(club.session, club.customer, clock=club.clock)
    assert club.state.overage and club.state.overage.count == 7
    count(club, 1, period=datetime(2026, 2, 10, tzinfo=UTC), month="2026-02-01")
    assert faults(club) == {Check.OVERAGE_AGREED}


def test_the_ledgers_check_finds_mail_that_nobody_paid(club: Club) -> None:
    subscribe(club.session, club.customer, large(club).id, clock=club.clock, paid=True)
    count(club, 5)
    with owner_connection(club.reseller) as books:
        books.execute("UPDATE account_month SET accepted = accepted + 1")
    assert faults(club) == {Check.PAID_BY_ONE}
