"""What is offered, what it allows, and what becomes of plans that are changed or retired."""

from dataclasses import replace

import pytest
from flask import Flask

from billing.money import Money
from billing.plans.catalogue import (
    NewPlan,
    all_plans,
    create_plan,
    edit_plan,
    plans_for,
    retire_plan,
)
from billing.plans.jobs import renew_plans
from billing.plans.services import subscribe
from platform_core.database import db, tenant_session
from platform_core.errors import AlreadyExists, InvalidInput, LimitReached, NotForSale
from platform_core.security import Seal, SecretVerifier
from platform_core.settings import settings
from tenants.accounts.queries import main_account
from tenants.domains.services import add_domain
from tenants.smtp_accounts.services import create_smtp_account
from tests.billing.plans.conftest import Club

BASIC = NewPlan("Basic", Money(900, "EUR"), 1000)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(BASIC, name=" "),
        replace(BASIC, price=Money(-1, "EUR")),
        replace(BASIC, price=Money(1, "XXX")),
        replace(BASIC, included=-1),
        replace(BASIC, trial_days=366),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(club: Club, wrong: NewPlan) -> None:
    with pytest.raises(InvalidInput):
        create_plan(club.session, wrong)


def test_two_plans_on_offer_never_share_a_name(club: Club) -> None:
    first = create_plan(club.session, BASIC)
    with pytest.raises(AlreadyExists):
        create_plan(club.session, replace(BASIC, name="basic"))
    retire_plan(club.session, first.id)
    assert create_plan(club.session, BASIC).id != first.id


def test_a_retired_plan_is_offered_no_longer_but_goes_on(club: Club) -> None:
    plan = club.plan(price=0, included=7)
    subscribe(club.session, club.customer, plan.id, clock=club.clock)
    retire_plan(club.session, plan.id)
    with pytest.raises(NotForSale):
        subscribe(club.session, club.customer, plan.id, clock=club.clock)
    assert plan.id not in [one.id for one in all_plans(club.session)]
    club.session.commit()
    club.wait_until(2026, 3, 1)
    renew_plans(club.reseller, club.clock)
    assert (club.state.status, club.state.included) == ("active", 7)


def test_an_edited_plan_counts_from_the_next_period(club: Club) -> None:
    plan = club.plan(price=0, included=7)
    subscribe(club.session, club.customer, plan.id, clock=club.clock)
    edit_plan(club.session, plan.id, NewPlan(plan.name, plan.price, 70))
    assert club.state.included == 7
    club.session.commit()
    club.wait_until(2026, 3, 1)
    renew_plans(club.reseller, club.clock)
    club.session.refresh(club.customer)
    assert club.state.included == 70


def test_resellers_have_the_platforms_plans_and_customers_the_resellers(app: Flask, club: Club) -> None:
    own = club.plan()
    theirs = create_plan(db.session(), replace(BASIC, name=f"For {club.reseller.key}"))
    db.session.commit()
    main = main_account(club.session)
    assert theirs in plans_for(club.session, main)
    assert plans_for(club.session, club.customer) == [own]
    change = subscribe(club.session, main, theirs.id, clock=club.clock, paid=True)
    assert (change.status, main.plan_quota) == ("active", 1000)


def test_a_plan_limits_what_can_be_made(club: Club) -> None:
    plan = club.plan(price=0, smtp_accounts=1, domains=0)
    subscribe(club.session, club.customer, plan.id, clock=club.clock)
    key = settings().secret_key.get_secret_value()
    verifier = SecretVerifier(key)
    create_smtp_account(club.session, club.customer.id, "One", verifier=verifier)
    with pytest.raises(LimitReached, match="allows 1 SMTP accounts"):
        create_smtp_account(club.session, club.customer.id, "Two", verifier=verifier)
    with pytest.raises(LimitReached, match="allows 0 domains"):
        add_domain(club.session, club.customer.id, "shop.example", seal=Seal(key))


def test_renewing_twice_or_late_changes_nothing_more(club: Club) -> None:
    plan = club.plan(price=100)
    club.pay_in(1000)
    subscribe(club.session, club.customer, plan.id, clock=club.clock)
    club.session.commit()
    club.wait_until(2026, 3, 1)
    for _ in range(3):
        renew_plans(club.reseller, club.clock)
    with tenant_session(club.reseller) as session:
        assert main_account(session).period_start is None
    assert club.balance == 800
