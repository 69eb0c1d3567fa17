"""What every change of a plan is made of: the locked row, its period and terms, the charge, and what the account is told.

Whoever changes a plan locks the subscription, then the wallet, then the account.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, object_session

from billing.invoices.taxes import taxed
from billing.money import Money
from billing.plans.catalogue import Overage, Plan, plan_for
from billing.plans.models import Subscription
from billing.plans.overage import agree, quota_of
from billing.plans.periods import Period, first_period, local_date
from billing.plans.signals import announce_plan
from billing.plans.states import RUNNING, PlanStatus
from billing.wallet.services import WalletReason, charge_wallet
from platform_core.clock import Clock
from platform_core.errors import AlreadyExists, NotFound
from tenants.accounts.signals import announce_quota
from tenants.models import Account


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What a verb has left behind: the status, the period, and what it took from the wallet, VAT included (None: nothing)."""

    status: PlanStatus
    period: Period
    charged: Money | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A period with its place: so many months after the anchor, a date of the account's time zone."""

    period: Period
    anchor: date
    number: int = 0

    @classmethod
    def first(cls, start: datetime, time_zone: str) -> "Term":
        """The one that begins now, and sets the anchor."""
        return cls(first_period(start, time_zone), local_date(start, time_zone))


def locked(session: Session, account: Account) -> Subscription:
    """The account's subscription as it stands after the lock. Raises NotFound."""
    row = session.get(Subscription, account.id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("This account has no plan.")
    return row


def locked_or_new(session: Session, account: Account) -> Subscription:
    """The same, or a row that is not in the database yet."""
    try:
        return locked(session, account)
    except NotFound:
        return Subscription(account_id=account.id, trial_used=False)


def running(session: Session, account: Account) -> Subscription:
    """A locked subscription that includes mail. Raises NotFound."""
    row = locked(session, account)
    if row.status not in RUNNING:
        raise NotFound("This account has no plan that runs.")
    return row


def charge(
    session: Session, account: Account, price: Money, reference: str, *, note: str, clock: Clock
) -> Money | None:
    """Take a price with VAT on top from the wallet, once for each reference; None where there is nothing to take.

    Raises InsufficientFunds, InvalidInput for a wallet of another currency, or NotForSale where nobody knows the VAT;
    then nothing is written.
    """
    if not price.amount:
        return None
    asked = taxed(session, account, price, now=clock.now())
    charge_wallet(
        session,
        account,
        asked.gross,
        reason=WalletReason.CHARGED,
        reference=reference,
        note=note,
        agreed=asked.agreed,
        clock=clock,
    )
    return asked.gross


def reference_of(start: datetime) -> str:
    """What the charge for the period that begins then is known by."""
    return f"plan/{start.isoformat()}"


def begin(
    session: Session, account: Account, row: Subscription, plan: Plan, term: Term, *, paid: bool
) -> None:
    """Begin a period under the present terms of a plan."""
    row.anchor_on, row.periods = term.anchor, term.number
    row.period_start, row.period_end = term.period.start, term.period.end
    row.paid = paid
    take_terms(session, account, row, plan)


def take_terms(session: Session, account: Account, row: Subscription, plan: Plan) -> None:
    """Name, price, quota, overage and limits of a plan for the present period, and that it goes on."""
    row.plan_id, row.next_plan_id, row.plan_name = plan.id, plan.id, plan.name
    row.price, row.currency, row.included = plan.price.amount, plan.price.currency, plan.included
    (
        account.most_smtp_accounts,
        account.most_domains,
        account.most_api_keys,
        account.most_dedicated_ips,
    ) = plan.limits.most()
    row.overage_price = plan.overage.per_thousand if plan.overage else None
    row.overage_limit = plan.overage.limit if plan.overage else None
    agree(session, row)


def enter(row: Subscription, status: PlanStatus, at: datetime) -> None:
    """Be in a state since then, unless it was before."""
    if row.status != status:
        row.status, row.status_since = status, at


def applied(
    session: Session, account: Account, row: Subscription, charged: Money | None = None
) -> PlanChange:
    """Write to the account what acceptance goes by, and let the news be heard after the commit.

    Raises AlreadyExists when another plan began at the same moment.
    """
    _keep(session, row)
    status = PlanStatus(row.status)
    if status is PlanStatus.ENDED:
        account.period_start = account.period_end = account.next_quota = None
        account.next_overage_quota = 0
    else:
        following = _following_plan(session, account, row)
        account.period_start, account.period_end = row.period_start, row.period_end
        account.next_quota = following.included if following else 0
        account.next_overage_quota = quota_of(following.overage, status) if following else 0
    account.plan_quota = row.included if status in RUNNING else 0
    account.overage_quota = quota_of(_overage(row), status)
    session.flush()
    announce_plan(session, account)
    announce_quota(session, account)
    return PlanChange(status, Period(row.period_start, row.period_end), charged)


def _keep(session: Session, row: Subscription) -> None:
    if object_session(row) is not None:
        return
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise AlreadyExists("A plan of this account has begun at the same moment.") from error


def _following_plan(session: Session, account: Account, row: Subscription) -> Plan | None:
    """By which plan acceptance goes from the end of the period until the renewal has come: a paid one goes on."""
    if row.status != PlanStatus.ACTIVE or row.next_plan_id is None:
        return None
    return plan_for(session, account, row.next_plan_id)


def _overage(row: Subscription) -> Overage | None:
    return Overage(row.overage_price, row.overage_limit) if row.overage_price is not None else None
