"""The hourly job, and dunning of resellers by the platform."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from billing.dunning.jobs import dun, lift_when_paid
from billing.dunning.letters import tell
from billing.dunning.models import BillingNotice, Dunning
from billing.dunning.services import press
from billing.dunning.steps import Step
from billing.invoices.profiles.services import set_platforms_profile, set_terms
from billing.invoices.queries import invoices_in
from billing.invoices.services import Issued, issue_invoice, record_payment
from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import ResellerRef, db
from tenants.accounts.queries import main_account
from tenants.models import Account, Domain, DomainState, State
from tests.billing.dunning.conftest import Pigeonhole
from tests.billing.invoices.papers import GRAZ, LYON, TERMS, VIENNA, draft
from tests.relay_worker.queue.desk import owner_connection

LONG_AGO = timedelta(days=90)


@pytest.fixture
def platforms_invoice(reseller: ResellerRef, rows: Session) -> Issued:
    """To the reseller, long overdue for whoever looks at it 90 days later: invoices of a series are never dated back."""
    set_platforms_profile(db.session(), VIENNA)
    set_terms(db.session(), TERMS)
    wanted = replace(draft(main_account(rows), LYON), buyer_id=reseller.id)
    issued = issue_invoice(db.session(), wanted, clock=SystemClock())
    db.session.commit()
    return issued


def test_the_job_takes_the_steps_that_are_due_even_when_no_letter_gets_out(
    rows: Session, customer: Account
) -> None:
    issue_invoice(rows, draft(customer), clock=StoppedClock(datetime.now(UTC) - LONG_AGO))
    rows.query(Domain).one().state = DomainState.PENDING
    rows.commit()
    for _ in range(2):
        dun()
    assert rows.get_one(Dunning, customer.id).step == Step.REMINDER
    assert rows.query(BillingNotice).filter_by(account_id=customer.id).one().told_at is None


def test_the_jobs_letters_are_mail_of_the_resellers_own(
    rows: Session, customer: Account, reseller: ResellerRef
) -> None:
    issue_invoice(rows, draft(customer), clock=StoppedClock(datetime.now(UTC) - LONG_AGO))
    rows.commit()
    for _ in range(2):
        dun()
    with owner_connection(reseller) as books:
        letters = books.execute(
            "SELECT m.account_id, m.header_from, r.rcpt_to FROM message m JOIN recipient r ON r.message_id = m.id"
        )
        found = sorted((row["account_id"], row["header_from"], row["rcpt_to"]) for row in letters)
    assert found == [
        (0, "billing@acme.example", GRAZ.email),
        (0, "billing@acme.example", "owner@muster.example"),
    ]


def test_a_reseller_is_led_by_what_it_owes_to_the_platform_until_it_pays(
    rows: Session, platforms_invoice: Issued
) -> None:
    lift_when_paid()
    main, clock = main_account(rows), StoppedClock(datetime.now(UTC) + LONG_AGO)
    for _ in Step:
        press(rows, main, clock=clock)
        rows.commit()
        clock.advance(timedelta(days=8))
    assert main.state == State.SUSPENDED
    owed = next(one.open for one in invoices_in(db.session()) if one.id == platforms_invoice.id)
    record_payment(db.session(), platforms_invoice.id, owed, reference="1", clock=SystemClock())
    db.session.commit()
    rows.refresh(main)
    assert main.state == State.ACTIVE


def test_only_the_platform_writes_about_what_a_reseller_owes(
    rows: Session,
    reseller: ResellerRef,
    platforms_invoice: Issued,
    post: Pigeonhole,
) -> None:
    clock = StoppedClock(datetime.now(UTC) + LONG_AGO)
    press(rows, main_account(rows), clock=clock)
    rows.commit()
    assert tell(reseller, post, platform=None, clock=clock) == 0
    assert tell(reseller, post, platform=reseller, clock=clock) >= 1
