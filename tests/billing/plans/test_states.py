"""The table of a plan's states: what every event leads to from every state."""

import pytest

from billing.plans.states import PlanEvent, PlanStatus, after


@pytest.mark.parametrize("event", PlanEvent)
def test_what_has_ended_stays_ended(event: PlanEvent) -> None:
    assert after(PlanStatus.ENDED, event) is PlanStatus.ENDED


@pytest.mark.parametrize("status", [status for status in PlanStatus if status is not PlanStatus.ENDED])
def test_every_plan_that_has_not_ended_can_be_paid_and_can_end(status: PlanStatus) -> None:
    assert after(status, PlanEvent.PAID) is PlanStatus.ACTIVE
    assert after(status, PlanEvent.OVER) is PlanStatus.ENDED


def test_only_a_plan_that_was_paid_has_a_grace() -> None:
    assert after(PlanStatus.ACTIVE, PlanEvent.UNPAID) is PlanStatus.PAST_DUE
    assert after(PlanStatus.TRIAL, PlanEvent.UNPAID) is PlanStatus.SUSPENDED
    assert after(PlanStatus.PAST_DUE, PlanEvent.UNPAID) is PlanStatus.SUSPENDED
