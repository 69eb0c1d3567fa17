"""Beginning, changing and ending a plan, and what it costs."""

from datetime import UTC, datetime

import pytest

from billing.money import Money
from billing.plans.renewals import pay_due, renew_due, suspend_plan
from billing.plans.services import cancel_plan, change_plan, start_trial, subscribe, upgrade_now
from billing.plans.signals import plan_changed
from billing.plans.states import PlanStatus
from platform_core.errors import AlreadyExists, InsufficientFunds, InvalidInput, NotForSale, NotFound
from tests.billing.plans.conftest import START, Club


def test_a_plan_begins_now_and_is_paid_from_the_wallet(club: Club) -> None:
    plan = club.plan(price=1000, included=100)
    club.pay_in(1500)
    change = subscribe(club.session, club.customer, plan.id, clock=club.clock)
    assert (change.status, change.charged) == (PlanStatus.ACTIVE, Money(1000, "EUR"))
    assert (change.period.start, change.period.end) == (START, datetime(2026, 2, 28, tzinfo=UTC))
    assert (club.balance, club.customer.plan_quota, club.customer.next_quota) == (500, 100, 100)


def test_without_money_nothing_begins(club: Club) -> None:
    with pytest.raises(InsufficientFunds):
        subscribe(club.session, club.customer, club.plan().id, clock=club.clock)
    assert (club.customer.plan_quota, club.customer.period_start) == (0, None)


def test_what_was_paid_elsewhere_is_not_charged_again(club: Club) -> None:
    change = subscribe(club.session, club.customer, club.plan().id, clock=club.clock, paid=True)
    assert (change.status, change.charged, club.balance) == (PlanStatus.ACTIVE, None, 0)


def test_there_is_one_plan_at_a_time(club: Club) -> None:
    subscribe(club.session, club.customer, club.plan().id, clock=club.clock, paid=True)
    with pytest.raises(AlreadyExists):
        subscribe(club.session, club.customer, club.plan().id, clock=club.clock, paid=True)


def test_periods_follow_the_anchor_and_each_is_charged_once(club: Club) -> None:
    plan = club.plan(price=100)
    club.pay_in(1000)
    subscribe(club.session, club.customer, plan.id, clock=club.clock)
    club.wait_until(2026, 4, 15)
    for _ in range(3):
        renew_due(club.session, club.customer, clock=club.clock)
    state = club.state
    assert state.period_start == datetime(2026, 3, 31, tzinfo=UTC)
    assert state.period_end == datetime(2026, 4, 30, tzinfo=UTC)
    assert (state.status, club.balance) == (PlanStatus.ACTIVE, 700)


def test_an_unpaid_renewal_is_past_due_for_one_period_and_then_suspended(club: Club) -> None:
    club.pay_in(1000)
    subscribe(club.session, club.customer, club.plan().id, clock=club.clock)
    club.wait_until(2026, 3, 1)
    assert renew_due(club.session, club.customer, clock=club.clock).status is PlanStatus.PAST_DUE
    assert (club.customer.plan_quota, club.customer.next_quota, club.state.paid) == (100, 0, False)
    club.wait_until(2026, 4, 1)
    assert renew_due(club.session, club.customer, clock=club.clock).status is PlanStatus.SUSPENDED
    assert club.customer.plan_quota == 0


def test_paying_lifts_past_due_within_its_period(club: Club) -> None:
    club.pay_in(1000)
    subscribe(club.session, club.customer, club.plan().id, clock=club.clock)
    club.wait_until(2026, 3, 1)
    renew_due(club.session, club.customer, clock=club.clock)
    assert pay_due(club.session, club.customer, clock=club.clock).status is PlanStatus.PAST_DUE
    club.pay_in(1000)
    for _ in range(2):
        assert pay_due(club.session, club.customer, clock=club.clock).status is PlanStatus.ACTIVE
    assert (club.balance, club.customer.next_quota) == (0, 100)
    assert club.state.period_start == datetime(2026, 2, 28, tzinfo=UTC)


def test_who_comes_back_after_suspension_pays_what_is_owed_and_a_new_period(club: Club) -> None:
    club.pay_in(1000)
    subscribe(club.session, club.customer, club.plan().id, clock=club.clock)
    club.wait_until(2026, 5, 10)
    renew_due(club.session, club.customer, clock=club.clock)
    club.pay_in(1500)
    assert pay_due(club.session, club.customer, clock=club.clock).status is PlanStatus.SUSPENDED
    assert club.balance == 500
    club.pay_in(500)
    assert pay_due(club.session, club.customer, clock=club.clock).status is PlanStatus.ACTIVE
    assert (club.balance, club.state.period_end) == (0, datetime(2026, 6, 10, tzinfo=UTC))


def test_a_suspended_plan_that_is_paid_goes_on_without_a_second_charge(club: Club) -> None:
    subscribe(club.session, club.customer, club.plan().id, clock=club.clock, paid=True)
    suspend_plan(club.session, club.customer, clock=club.clock)
    assert (club.state.status, club.customer.plan_quota) == (PlanStatus.SUSPENDED, 0)
    assert pay_due(club.session, club.customer, clock=club.clock).status is PlanStatus.ACTIVE
    assert (club.customer.plan_quota, club.balance) == (100, 0)


def test_a_trial_is_free_and_then_charged_for(club: Club) -> None:
    plan = club.plan(trial_days=14)
    start_trial(club.session, club.customer, plan.id, clock=club.clock)
    assert (club.state.status, club.customer.plan_quota) == (PlanStatus.TRIAL, 100)
    club.pay_in(1000)
    club.wait_until(2026, 2, 15, hours=3)
    assert renew_due(club.session, club.customer, clock=club.clock).status is PlanStatus.ACTIVE
    assert (club.balance, club.state.period_start) == (0, datetime(2026, 2, 15, tzinfo=UTC))
    assert club.state.period_end == datetime(2026, 3, 15, tzinfo=UTC)


def test_a_trial_that_nobody_pays_for_includes_nothing_any_more_and_comes_only_once(club: Club) -> None:
    plan = club.plan(trial_days=14)
    start_trial(club.session, club.customer, plan.id, clock=club.clock)
    assert club.customer.next_quota == 0
    club.wait_until(2026, 2, 16)
    assert renew_due(club.session, club.customer, clock=club.clock).status is PlanStatus.SUSPENDED
    with pytest.raises(AlreadyExists):
        start_trial(club.session, club.customer, plan.id, clock=club.clock)


def test_a_plan_without_a_trial_cant_be_tried(club: Club) -> None:
    with pytest.raises(NotForSale):
        start_trial(club.session, club.customer, club.plan().id, clock=club.clock)


def test_a_downgrade_waits_for_the_end_of_the_period(club: Club) -> None:
    large, small = club.plan(price=1000, included=100), club.plan(price=300, included=10, domains=1)
    club.pay_in(1300)
    subscribe(club.session, club.customer, large.id, clock=club.clock)
    change_plan(club.session, club.customer, small.id)
    with pytest.raises(InvalidInput):
        upgrade_now(club.session, club.customer, small.id, clock=club.clock)
    assert (club.customer.plan_quota, club.customer.next_quota, club.customer.most_domains) == (100, 10, None)
    club.wait_until(2026, 2, 28)
    renew_due(club.session, club.customer, clock=club.clock)
    assert (club.customer.plan_quota, club.customer.most_domains, club.balance) == (10, 1, 0)


def test_an_upgrade_at_once_costs_the_difference_for_the_time_that_is_left(club: Club) -> None:
    small, large = club.plan(price=1000, included=100), club.plan(price=3000, included=500)
    club.pay_in(5000)
    subscribe(club.session, club.customer, small.id, clock=club.clock)
    club.wait_until(2026, 2, 14, hours=6)  # half of the period of 27.5 days
    change = upgrade_now(club.session, club.customer, large.id, clock=club.clock)
    assert change.charged == Money(1000, "EUR")
    assert (club.balance, club.customer.plan_quota) == (3000, 500)
    assert change.period.end == datetime(2026, 2, 28, tzinfo=UTC)


def test_a_cancelled_plan_lasts_until_its_period_ends_and_can_be_had_again(club: Club) -> None:
    plan = club.plan()
    subscribe(club.session, club.customer, plan.id, clock=club.clock, paid=True)
    cancel_plan(club.session, club.customer)
    assert (club.state.expires_at, club.customer.plan_quota) == (datetime(2026, 2, 28, tzinfo=UTC), 100)
    club.wait_until(2026, 3, 1)
    assert renew_due(club.session, club.customer, clock=club.clock).status is PlanStatus.ENDED
    assert (club.customer.plan_quota, club.customer.period_start) == (0, None)
    with pytest.raises(NotFound):
        change_plan(club.session, club.customer, plan.id)
    again = subscribe(club.session, club.customer, plan.id, clock=club.clock, paid=True)
    assert again.status is PlanStatus.ACTIVE


def test_a_cancel_is_taken_back_by_choosing_the_same_plan(club: Club) -> None:
    plan = club.plan()
    subscribe(club.session, club.customer, plan.id, clock=club.clock, paid=True)
    cancel_plan(club.session, club.customer)
    change_plan(club.session, club.customer, plan.id)
    assert (club.state.expires_at, club.customer.next_quota) == (None, 100)


def test_news_of_a_plan_is_heard_after_the_commit(club: Club) -> None:
    heard = []

    def hear(reseller: object, account_id: int) -> None:
        heard.append(account_id)

    with plan_changed.connected_to(hear):
        subscribe(club.session, club.customer, club.plan().id, clock=club.clock, paid=True)
        assert heard == []
        club.session.commit()
    assert heard == [club.customer.id]
