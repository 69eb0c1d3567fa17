"""What time and money do to a plan: periods that turn, payments that are missing, and their coming in after all."""

from datetime import datetime

from sqlalchemy.orm import Session

from billing.money import Money
from billing.plans.books import PlanChange, Term, applied, begin, charge, enter, locked, reference_of
from billing.plans.catalogue import plan_for
from billing.plans.models import Subscription
from billing.plans.periods import Period, end_of_period
from billing.plans.states import RUNNING, PlanEvent, PlanStatus, after
from platform_core.clock import Clock
from platform_core.errors import InsufficientFunds, InvalidInput, NotForSale
from tenants.models import Account

_UNPAID = frozenset({PlanStatus.PAST_DUE, PlanStatus.SUSPENDED})


def renew_due(session: Session, account: Account, *, clock: Clock) -> PlanChange:
    """Bring the plan up to now: begin, and charge for, each period that has begun. Safe to repeat, and at any time later.

    A wallet that can't pay makes the plan past due: it goes on for this one period, unpaid; the next is not given on credit.
    A trial that can't be paid is suspended. Raises NotFound where there never was a plan.
    """
    row = locked(session, account)
    if row.status == PlanStatus.PAST_DUE:
        _pay(session, account, row, clock)
    while row.status in RUNNING and row.period_end <= clock.now():
        _turn(session, account, row, clock)
    return applied(session, account, row)


def pay_due(session: Session, account: Account, *, clock: Clock) -> PlanChange:
    """Pay what is due out of the wallet, and lift past due and suspension: for whoever hears that money has come.

    Where the period is over meanwhile, a new one begins now, and is charged for. Changes nothing when the wallet still
    doesn't hold as much. Raises NotFound where there never was a plan.
    """
    row = locked(session, account)
    if row.status in _UNPAID and not _has_gone_back(row):
        _pay(session, account, row, clock)
    return applied(session, account, row)


def return_plan(session: Session, account: Account, *, clock: Clock) -> PlanChange:
    """The money for the present period has gone back: no mail is included, and nothing follows, until `regain_plan`.

    Raises NotFound.
    """
    row = locked(session, account)
    row.next_plan_id = None
    _befall(row, PlanEvent.SUSPENDED, clock.now())
    return applied(session, account, row)


def regain_plan(session: Session, account: Account, *, clock: Clock) -> PlanChange:
    """The money that had gone back has returned: what is left of the period includes mail again. Raises NotFound."""
    row = locked(session, account)
    if _has_gone_back(row):
        _befall(row, PlanEvent.PAID, clock.now())
    return applied(session, account, row)


def suspend_plan(session: Session, account: Account, *, clock: Clock) -> PlanChange:
    """Include no mail any more until `pay_due`: for dunning. Credits can still be spent. Raises NotFound."""
    row = locked(session, account)
    _befall(row, PlanEvent.SUSPENDED, clock.now())
    return applied(session, account, row)


def _has_gone_back(row: Subscription) -> bool:
    """Suspended though it owes nothing: other money than that which has gone back doesn't lift it."""
    return row.status == PlanStatus.SUSPENDED and row.paid and row.next_plan_id is None


def _turn(session: Session, account: Account, row: Subscription, clock: Clock) -> None:
    """The period is over: begin what follows, as far as it is paid or may be owed."""
    start = row.period_end
    if row.next_plan_id is None:
        _befall(row, PlanEvent.OVER, start)
        return
    if row.status == PlanStatus.PAST_DUE:
        _befall(row, PlanEvent.UNPAID, start)
        return
    plan = plan_for(session, account, row.next_plan_id)
    paid = _paid(session, account, plan.price, start, note=plan.name, clock=clock)
    if paid or row.status == PlanStatus.ACTIVE:
        begin(session, account, row, plan, _next_term(account, row), paid=paid)
    _befall(row, PlanEvent.PAID if paid else PlanEvent.UNPAID, start)


def _next_term(account: Account, row: Subscription) -> Term:
    start = row.period_end
    if row.status == PlanStatus.TRIAL:
        return Term.first(start, account.time_zone)
    number = row.periods + 1
    # An account that has moved to another time zone may find that this end has passed.
    while (end := end_of_period(row.anchor_on, number, account.time_zone)) <= start:
        number += 1
    return Term(Period(start, end), row.anchor_on, number)


def _pay(session: Session, account: Account, row: Subscription, clock: Clock) -> None:
    """First the period that is owed; then, where suspension has outlasted it, a new one."""
    now = clock.now()
    owed = Money(row.price, row.currency)
    if not row.paid:
        row.paid = _paid(session, account, owed, row.period_start, note=row.plan_name, clock=clock)
    if not row.paid:
        return
    if row.status == PlanStatus.SUSPENDED and row.period_end <= now:
        if row.next_plan_id is None:
            _befall(row, PlanEvent.OVER, now)
            return
        plan = plan_for(session, account, row.next_plan_id)
        if not _paid(session, account, plan.price, now, note=plan.name, clock=clock):
            return
        begin(session, account, row, plan, Term.first(now, account.time_zone), paid=True)
    _befall(row, PlanEvent.PAID, now)


def _befall(row: Subscription, event: PlanEvent, at: datetime) -> None:
    enter(row, after(PlanStatus(row.status), event), at)


def _paid(
    session: Session, account: Account, price: Money, start: datetime, *, note: str, clock: Clock
) -> bool:
    """Charge for the period that begins then, and say whether the wallet could pay; one of another currency can't.

    Nor can any while nobody knows which VAT is due.
    """
    try:
        charge(session, account, price, reference_of(start), note=note, clock=clock)
    except (InsufficientFunds, InvalidInput, NotForSale):
        return False
    return True
