"""Past due leads over reminder, grace and suspension, and a payment lifts it at once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from billing.dunning.debts import debt_of
from billing.dunning.jobs import lift_when_paid
from billing.dunning.letters import tell
from billing.dunning.models import Dunning
from billing.dunning.notices import TELL_WITHIN
from billing.dunning.services import press
from billing.dunning.steps import Step
from billing.invoices.queries import invoices_in
from billing.invoices.services import Issued, credit_note, issue_invoice, record_payment
from billing.money import Money
from billing.plans.catalogue import NewPlan, create_plan
from billing.plans.queries import current_plan
from billing.plans.renewals import pay_due, renew_due
from billing.plans.services import subscribe
from billing.plans.states import PlanStatus
from billing.rentals.queries import rentals_of
from billing.rentals.renewals import renew_rental
from billing.rentals.services import begin_rental
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef
from tenants.accounts.queries import main_account
from tenants.accounts.services import suspend_account
from tenants.models import Account, State
from tests.billing.dunning.conftest import Pigeonhole, words_of
from tests.billing.invoices.papers import TERMS, draft
from tests.billing.rentals.asking import ask_for_handing_on

DAY = timedelta(days=1)


@pytest.fixture
def invoice(rows: Session, customer: Account, clock: StoppedClock) -> Issued:
    """Due in 14 days."""
    issued = issue_invoice(rows, draft(customer), clock=clock)
    rows.commit()
    return issued


def lead(rows: Session, account: Account, clock: StoppedClock, days: int) -> list[Step | None]:
    """The steps that each of so many days ends at."""
    steps = []
    for _ in range(days):
        clock.advance(DAY)
        steps.append(press(rows, account, clock=clock))
        rows.commit()
    return steps


def stage(rows: Session, account: Account) -> Step:
    return Step(rows.get_one(Dunning, account.id, populate_existing=True).step)


def pay(rows: Session, invoice: Issued, clock: StoppedClock) -> None:
    amount = next(one.open for one in invoices_in(rows) if one.id == invoice.id)
    record_payment(rows, invoice.id, amount, reference="transfer 1", clock=clock)
    rows.commit()


def test_an_overdue_invoice_leads_over_all_steps_each_after_its_wait(
    rows: Session, customer: Account, invoice: Issued, clock: StoppedClock
) -> None:
    steps = lead(rows, customer, clock, TERMS.payment_days + 15)
    assert [steps.count(step) for step in (None, *Step)] == [14, 6, 7, 2]
    assert customer.state == State.SUSPENDED


def test_nobody_is_suspended_unwarned_however_old_the_debt(
    rows: Session, customer: Account, invoice: Issued, clock: StoppedClock
) -> None:
    clock.advance(200 * DAY)
    assert lead(rows, customer, clock, 2) == [Step.REMINDER, Step.REMINDER]
    assert customer.state == State.ACTIVE


def test_pressing_twice_takes_one_step(
    rows: Session, customer: Account, invoice: Issued, clock: StoppedClock
) -> None:
    clock.advance(200 * DAY)
    assert [press(rows, customer, clock=clock) for _ in range(3)] == [Step.REMINDER] * 3


def test_a_payment_lifts_the_suspension_as_soon_as_it_is_written_down(
    rows: Session, customer: Account, invoice: Issued, clock: StoppedClock
) -> None:
    lift_when_paid()
    lead(rows, customer, clock, 30)
    pay(rows, invoice, clock)
    rows.refresh(customer)
    assert customer.state == State.ACTIVE
    assert rows.get(Dunning, customer.id, populate_existing=True) is None


def test_a_payment_of_a_part_lifts_nothing(
    rows: Session, customer: Account, invoice: Issued, clock: StoppedClock
) -> None:
    lift_when_paid()
    lead(rows, customer, clock, 30)
    record_payment(rows, invoice.id, Money(1, "EUR"), reference="1", clock=clock)
    rows.commit()
    rows.refresh(customer)
    assert customer.state == State.SUSPENDED


def test_a_credit_note_lifts_it_at_the_next_run(
    rows: Session, customer: Account, invoice: Issued, clock: StoppedClock
) -> None:
    lead(rows, customer, clock, 30)
    credit_note(rows, invoice.id, reason="not delivered", clock=clock)
    assert press(rows, customer, clock=clock) is None
    assert customer.state == State.ACTIVE


def test_who_was_suspended_by_a_person_stays_so(
    rows: Session, customer: Account, invoice: Issued, clock: StoppedClock
) -> None:
    lift_when_paid()
    suspend_account(rows, customer)
    lead(rows, customer, clock, 30)
    pay(rows, invoice, clock)
    rows.refresh(customer)
    assert customer.state == State.SUSPENDED


def test_an_unpaid_plan_is_suspended_and_the_account_goes_on_with_credits(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    unpaid_plan(rows, customer, clock)
    lead(rows, customer, clock, 15)
    plan = current_plan(rows, customer, clock=clock)
    assert plan is not None
    assert (plan.status, customer.state) == (PlanStatus.SUSPENDED, State.ACTIVE)


def test_an_invoice_that_comes_due_beside_an_unpaid_plan_has_steps_of_its_own(
    rows: Session, reseller: ResellerRef, customer: Account, clock: StoppedClock, post: Pigeonhole
) -> None:
    """It is due on the day on which the plan is suspended, as that of the month before usually is."""
    unpaid_plan(rows, customer, clock)
    issued = issue_invoice(rows, draft(customer), clock=clock)
    rows.commit()
    lead(rows, customer, clock, TERMS.payment_days)
    assert (stage(rows, customer), customer.state) == (Step.SUSPENSION, State.ACTIVE)
    tell(reseller, post, platform=None, clock=clock)
    post.posted.clear()
    steps = []
    for _ in range(16):
        steps += lead(rows, customer, clock, 1)
        tell(reseller, post, platform=None, clock=clock)
    assert [steps.count(step) for step in Step] == [6, 7, 3]
    assert customer.state == State.SUSPENDED
    letters = [message for message, to in post.posted if to == "owner@muster.example"]
    assert [issued.number in words_of(letter) for letter in letters] == [True] * 3


def test_nobody_is_suspended_for_an_invoice_that_is_due_since_the_last_warning(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    unpaid_plan(rows, customer, clock)
    lead(rows, customer, clock, 10)
    issue_invoice(rows, draft(customer), clock=StoppedClock(clock.now() - (TERMS.payment_days - 1) * DAY))
    rows.commit()
    assert lead(rows, customer, clock, 5)[-2:] == [Step.SUSPENSION, Step.REMINDER]
    assert customer.state == State.ACTIVE


def test_a_suspension_is_lifted_though_dedicated_ips_came_due_after_it(
    rows: Session, customer: Account, invoice: Issued, clock: StoppedClock
) -> None:
    """The IPs are pressed anew, and what was suspended before is not forgotten over it."""
    lift_when_paid()
    rental = uuid4()
    clock.advance(10 * DAY)
    begin_rental(rows, customer, rental, 1, Money(4000, "EUR"), clock=clock)
    rows.commit()
    lead(rows, customer, clock, 25)
    assert customer.state == State.SUSPENDED
    clock.advance(10 * DAY)
    renew_rental(rows, rental, clock=clock)
    rows.commit()
    assert lead(rows, customer, clock, 16)[-1] == Step.SUSPENSION
    assert rentals_of(rows, customer.id) == []
    pay(rows, invoice, clock)
    rows.refresh(customer)
    assert customer.state == State.ACTIVE


def test_money_for_the_plan_lifts_it(rows: Session, customer: Account, clock: StoppedClock) -> None:
    lift_when_paid()
    unpaid_plan(rows, customer, clock)
    lead(rows, customer, clock, 15)
    fill(rows, customer, 1080, "2", clock)
    pay_due(rows, customer, clock=clock)
    rows.commit()
    assert debt_of(rows, customer, now=clock.now()) is None
    assert rows.get(Dunning, customer.id, populate_existing=True) is None


def test_each_step_is_told_once_in_the_resellers_name(
    rows: Session,
    reseller: ResellerRef,
    customer: Account,
    invoice: Issued,
    clock: StoppedClock,
    post: Pigeonhole,
) -> None:
    for _ in range(TERMS.payment_days + 15):
        lead(rows, customer, clock, 1)
        tell(reseller, post, platform=None, clock=clock)
    subjects = [str(message["Subject"]) for message, to in post.posted if to == "owner@muster.example"]
    assert [subject.partition(": ")[2][:18] for subject in subjects] == [
        "a payment is due",
        "please pay by 2026",
        "sending is suspend",
    ]
    assert {to for _, to in post.posted} == {"owner@muster.example", "buero@muster.example"}
    message = post.posted[0][0]
    assert message["From"].addresses[0].domain == "acme.example"
    assert invoice.number in words_of(message)


def test_who_does_not_pay_for_dedicated_ips_is_told_each_step_and_that_they_are_gone(
    rows: Session, reseller: ResellerRef, customer: Account, clock: StoppedClock, post: Pigeonhole
) -> None:
    rental = uuid4()
    begin_rental(rows, customer, rental, 1, Money(4000, "EUR"), clock=clock)
    clock.advance(31 * DAY)
    renew_rental(rows, rental, clock=clock)
    rows.commit()
    for _ in range(16):
        lead(rows, customer, clock, 1)
        tell(reseller, post, platform=None, clock=clock)
    subjects = [str(message["Subject"]) for message, to in post.posted if to == "owner@muster.example"]
    assert [subject.partition(": ")[2].split()[-1] for subject in subjects] == ["due", "back", "back"]
    assert "have gone back" in subjects[-1]
    assert (rentals_of(rows, customer.id), customer.state) == ([], State.ACTIVE)


def test_a_customer_whose_reseller_did_not_pay_is_told_by_it_that_they_are_gone(
    rows: Session, reseller: ResellerRef, customer: Account, clock: StoppedClock, post: Pigeonhole
) -> None:
    ask_for_handing_on(reseller)
    begin_rental(rows, customer, uuid4(), 1, Money(4000, "EUR"), clock=clock)
    rows.commit()
    lead(rows, main_account(rows), clock, 15)
    tell(reseller, post, platform=None, clock=clock)
    letters = [message for message, to in post.posted if to == "owner@muster.example"]
    assert [str(letter["Subject"]).partition(": ")[2] for letter in letters] == ["your dedicated IPs"]
    assert letters[0]["From"].addresses[0].domain == "acme.example"
    words = words_of(letters[0])
    assert "Muster are not available any more" in words
    assert "not been paid" not in words


def test_what_was_paid_meanwhile_is_not_told(
    rows: Session,
    reseller: ResellerRef,
    customer: Account,
    invoice: Issued,
    clock: StoppedClock,
    post: Pigeonhole,
) -> None:
    lead(rows, customer, clock, 15)
    pay(rows, invoice, clock)
    assert tell(reseller, post, platform=None, clock=clock) == 0
    assert not post.posted


def test_old_news_is_not_told(
    rows: Session,
    reseller: ResellerRef,
    customer: Account,
    invoice: Issued,
    clock: StoppedClock,
    post: Pigeonhole,
) -> None:
    lead(rows, customer, clock, 15)
    clock.advance(TELL_WITHIN)
    assert tell(reseller, post, platform=None, clock=clock) == 0


def fill(rows: Session, account: Account, minor_units: int, reference: str, clock: StoppedClock) -> None:
    credit_wallet(
        rows,
        account,
        Money(minor_units, "EUR"),
        reason=WalletReason.PAID_IN,
        reference=reference,
        clock=clock,
    )


def unpaid_plan(rows: Session, account: Account, clock: StoppedClock) -> None:
    """A plan whose second period has just begun, unpaid."""
    plan = create_plan(rows, NewPlan("Growth", Money(900, "EUR"), 5000))
    fill(rows, account, 1080, "1", clock)  # VAT included
    subscribe(rows, account, plan.id, clock=clock)
    clock.advance(31 * DAY)
    renew_due(rows, account, clock=clock)
    rows.commit()
