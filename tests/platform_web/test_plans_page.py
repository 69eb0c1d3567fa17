"""The console's plans: offered, changed and retired by staff."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from billing.plans.catalogue import Overage, Plan, all_plans, retire_plan
from platform_core.database import db
from tenants.models import AuditEntry
from tests.fixtures_web import Visitor

FORM = {"price": "9.50", "currency": "eur", "included": "1000", "trial_days": "14", "domains": "3"}


def plan_named(name: str) -> Plan:
    db.session.rollback()
    return next(plan for plan in all_plans(db.session(), retired=True) if plan.name == name)


@pytest.fixture
def offered(staff: Visitor) -> Plan:
    name = f"Plan {uuid4().hex[:8]}"
    assert staff.post("/plans/new", {"name": name, **FORM}).status_code == 302
    return plan_named(name)


def test_a_plan_that_staff_offer_is_listed_with_its_price_and_limits(staff: Visitor, offered: Plan) -> None:
    assert (offered.price.amount, offered.price.currency, offered.included) == (950, "EUR", 1000)
    assert (offered.limits.domains, offered.limits.smtp_accounts, offered.trial_days) == (3, None, 14)
    page = staff.get("/plans").text
    assert offered.name in page
    assert "€9.50" in page


def test_a_plan_is_changed_with_the_form_filled_in(staff: Visitor, offered: Plan) -> None:
    page = staff.get(f"/plans/{offered.id}").text
    assert 'value="9.50"' in page
    answer = staff.post(f"/plans/{offered.id}", {"name": offered.name, **FORM, "price": "12"})
    assert (answer.status_code, plan_named(offered.name).price.amount) == (302, 1200)


def test_a_price_for_what_is_above_the_plan_is_offered_changed_and_taken_away(
    staff: Visitor, offered: Plan
) -> None:
    form = {"name": offered.name, **FORM, "overage_price": "1.20", "overage_limit": "5000"}
    staff.post(f"/plans/{offered.id}", form)
    assert plan_named(offered.name).overage == Overage(120, 5000)
    assert "€1.20" in staff.get("/plans").text
    assert 'value="1.20"' in staff.get(f"/plans/{offered.id}").text
    staff.post(
        f"/plans/{offered.id}", {"name": offered.name, **FORM, "overage_price": "", "overage_limit": ""}
    )
    assert plan_named(offered.name).overage is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "-1"},
        {"price": "1.234"},
        {"currency": "XXX"},
        {"included": "many"},
        {"name": " "},
        {"overage_price": "0"},
        {"overage_price": "0.001"},
        {"overage_limit": "5"},
        {"overage_price": "1", "overage_limit": "0"},
    ],
)
def test_what_makes_no_sense_is_said_beside_the_field(staff: Visitor, wrong: dict[str, str]) -> None:
    answer = staff.post("/plans/new", {"name": "Odd", **FORM, **wrong})
    assert answer.status_code == 422


def test_a_name_that_is_taken_is_refused(staff: Visitor, offered: Plan) -> None:
    answer = staff.post("/plans/new", {"name": offered.name, **FORM})
    assert (answer.status_code, "already" in answer.text) == (422, True)


def test_retiring_asks_first_and_is_written_down(staff: Visitor, offered: Plan) -> None:
    assert "Retire the plan" in staff.get(f"/plans/{offered.id}/retire").text
    assert staff.post(f"/plans/{offered.id}/retire").status_code == 302
    assert plan_named(offered.name).retired
    actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[-2:] == ["plan.create", "plan.retire"]


def test_a_plan_that_is_not_there_is_not_found(staff: Visitor) -> None:
    assert staff.get("/plans/999999").status_code == 404


@pytest.fixture(autouse=True)
def tidy(staff: Visitor) -> object:
    yield
    db.session.rollback()
    for plan in all_plans(db.session()):
        retire_plan(db.session(), plan.id)
    db.session.commit()
