"""Verbs on the plans of accounts, inside a reseller's session; the caller commits. What they change counts from the next
message.
"""

from sqlalchemy.orm import Session

from billing.money import Money, round_half_up
from billing.plans.books import (
    PlanChange,
    Term,
    applied,
    begin,
    charge,
    enter,
    locked_or_new,
    reference_of,
    running,
    take_terms,
)
from billing.plans.catalogue import offered_plan, plan_for
from billing.plans.periods import Period, local_date, trial_period
from billing.plans.states import RUNNING, PlanStatus
from platform_core.clock import Clock
from platform_core.errors import AlreadyExists, InvalidInput, NotForSale
from tenants.models import Account


def subscribe(
    session: Session, account: Account, plan_id: int, *, clock: Clock, paid: bool = False
) -> PlanChange:
    """Begin a plan now, in place of a trial or of one that is over. Charges the wallet unless it is `paid` otherwise.

    Raises NotFound, NotForSale, AlreadyExists while another plan runs, and InsufficientFunds or InvalidInput where the
    wallet can't pay the price with its VAT; then nothing is written.
    """
    plan = offered_plan(session, account, plan_id)
    row = locked_or_new(session, account)
    if row.status in (PlanStatus.ACTIVE, PlanStatus.PAST_DUE):
        raise AlreadyExists(f"The account has the plan {row.plan_name}; change it instead.")
    now = clock.now()
    charged = (
        None if paid else charge(session, account, plan.price, reference_of(now), note=plan.name, clock=clock)
    )
    begin(session, account, row, plan, Term.first(now, account.time_zone), paid=True)
    enter(row, PlanStatus.ACTIVE, now)
    return applied(session, account, row, charged)


def start_trial(session: Session, account: Account, plan_id: int, *, clock: Clock) -> PlanChange:
    """Begin a trial of a plan, which is charged for when the trial ends. Once for an account, whatever the plan.

    Raises NotFound, NotForSale where the plan has no trial, and AlreadyExists after a first trial or while a plan runs.
    """
    plan = offered_plan(session, account, plan_id)
    if not plan.trial_days:
        raise NotForSale(f"The plan {plan.name} can't be tried.")
    row = locked_or_new(session, account)
    if row.trial_used or row.status in RUNNING:
        raise AlreadyExists("This account has had its trial, or has a plan.")
    now = clock.now()
    period = trial_period(now, plan.trial_days, account.time_zone)
    begin(session, account, row, plan, Term(period, local_date(now, account.time_zone)), paid=True)
    row.price, row.trial_used = 0, True
    enter(row, PlanStatus.TRIAL, now)
    return applied(session, account, row)


def change_plan(session: Session, account: Account, plan_id: int) -> PlanChange:
    """Let another plan follow when the period ends; choosing the present one takes such a change, or a cancel, back.

    Raises NotFound where no plan runs, or NotForSale.
    """
    row = running(session, account)
    same = plan_id == row.plan_id
    plan = plan_for(session, account, plan_id) if same else offered_plan(session, account, plan_id)
    if plan.price.currency != row.currency:
        raise NotForSale("That plan is sold in another currency.")
    row.next_plan_id = plan.id
    return applied(session, account, row)


def upgrade_now(session: Session, account: Account, plan_id: int, *, clock: Clock) -> PlanChange:
    """Change to a dearer plan within the period, and charge the wallet the difference for the time that is left.

    What was sent in the period stays counted. Raises as `change_plan`; InvalidInput for one that isn't dearer or includes
    less, or while this period is not paid; InsufficientFunds, and nothing is written.
    """
    row = running(session, account)
    plan = offered_plan(session, account, plan_id)
    if row.status != PlanStatus.ACTIVE:
        raise InvalidInput("plan", "Only a plan that is paid can be changed at once.")
    if plan.price.currency != row.currency or plan.price.amount < row.price or plan.included < row.included:
        raise InvalidInput("plan", "At once you can only go up; anything else begins with the next period.")
    now = clock.now()
    left, whole = Period(row.period_start, row.period_end).share_left(now)
    difference = Money(round_half_up((plan.price.amount - row.price) * left, whole), row.currency)
    reference = f"upgrade/{plan.id}/{now.isoformat()}"
    charged = charge(session, account, difference, reference, note=plan.name, clock=clock)
    take_terms(session, account, row, plan)
    return applied(session, account, row, charged)


def cancel_plan(session: Session, account: Account) -> PlanChange:
    """Let nothing follow when the period ends. Until then all stays as it is. Raises NotFound where no plan runs."""
    row = running(session, account)
    row.next_plan_id = None
    return applied(session, account, row)
