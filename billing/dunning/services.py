"""Leading an account that owes over the steps, and lifting it all once it has paid; the caller commits."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.dunning.debts import Debt, debt_of
from billing.dunning.models import Dunning
from billing.dunning.notices import NoticeKind, make_notice
from billing.dunning.steps import POLICY, Stage, Step, stage_after
from billing.plans.renewals import suspend_plan
from billing.rentals.services import end_unpaid
from platform_core.clock import Clock
from tenants.accounts.services import resume_account, suspend_account
from tenants.models import Account, State

_NOTICES = {
    Step.REMINDER: NoticeKind.REMINDER,
    Step.GRACE: NoticeKind.GRACE,
    Step.SUSPENSION: NoticeKind.SUSPENSION,
}


def press(session: Session, account: Account, *, clock: Clock) -> Step | None:
    """Take the next step against an account if its time has come, or lift all when nothing is owed any more.

    Gives the step that it is at. Locks the account's dunning. Running twice takes no step twice.
    """
    row = session.get(Dunning, account.id, with_for_update=True, populate_existing=True)
    debt = debt_of(session, account, now=clock.now())
    if debt is None:
        _lift(session, account, row)
        return None
    reached = row  # how far it was led for this debt
    later = _debt_beside(account, debt, row) if row else None
    if later and _since(account, later, None) + POLICY[0].wait <= clock.now():
        debt, reached = later, None
    stage = stage_after(Step(reached.step) if reached else None)
    if stage and _since(account, debt, reached) + stage.wait <= clock.now():
        row = _step(session, account, debt, stage, row, clock)
    return Step(row.step) if row else None


def lift_if_paid(session: Session, account: Account, *, clock: Clock) -> bool:
    """For whoever hears of money: undo what dunning did if nothing is owed now. True when it did."""
    row = session.get(Dunning, account.id, with_for_update=True, populate_existing=True)
    if row is None or debt_of(session, account, now=clock.now()) is not None:
        return False
    _lift(session, account, row)
    return True


def _debt_beside(account: Account, debt: Debt, row: Dunning) -> Debt | None:
    """What no suspension has come of, since it came for something else: it is led over the steps anew."""
    if row.step != Step.SUSPENSION:
        return None
    invoices = debt.invoices if account.state == State.ACTIVE and not row.suspended else ()
    return Debt(invoices, None, debt.rentals) if invoices or debt.rentals else None


def _since(account: Account, debt: Debt, row: Dunning | None) -> datetime:
    """From when the wait for the next step counts."""
    if row is not None:
        return row.step_at
    return datetime.combine(debt.due_on, time(), ZoneInfo(account.time_zone)).astimezone(UTC)


def _step(
    session: Session, account: Account, debt: Debt, stage: Stage, row: Dunning | None, clock: Clock
) -> Dunning:
    if row is None:
        row = Dunning(account_id=account.id, suspended=False)
        session.add(row)
    if stage is POLICY[0]:
        row.due_on = debt.due_on
    if stage.step is Step.SUSPENSION:
        _suspend(session, account, debt, row, clock)
    row.step, row.step_at = stage.step, clock.now()
    session.flush()
    make_notice(session, account.id, _NOTICES[stage.step], f"{row.due_on}", clock=clock)
    return row


def _suspend(session: Session, account: Account, debt: Debt, row: Dunning, clock: Clock) -> None:
    """Who owes for a plan alone loses what it includes: credits are paid for, and stay to be spent. Rented IPs go back.

    An invoice counts that was due when the step before this one was told.
    """
    if debt.plan:
        suspend_plan(session, account, clock=clock)
    if debt.rentals:
        customers = end_unpaid(session, account, clock=clock)
        make_notice(session, account.id, NoticeKind.IPS_RETURNED, f"{row.due_on}", clock=clock)
        for customer in customers:
            make_notice(session, customer, NoticeKind.IPS_WITHDRAWN, f"{row.due_on}", clock=clock)
    told_on = row.step_at.astimezone(ZoneInfo(account.time_zone)).date()
    if any(one.due_on < told_on for one in debt.invoices) and account.state == State.ACTIVE:
        suspend_account(session, account)
        row.suspended = True


def _lift(session: Session, account: Account, row: Dunning | None) -> None:
    if row is None:
        return
    if row.suspended and account.state == State.SUSPENDED:
        resume_account(session, account)
    session.delete(row)
    session.flush()
