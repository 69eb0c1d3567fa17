"""The plans that can be had. In the platform's session these are the platform's, in a reseller's session its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billing.invoices.taxes import require_billable
from billing.money import Money, minor_digits
from billing.plans.models import PlatformPlan, ResellerPlan
from platform_core.database import db
from platform_core.errors import AlreadyExists, InvalidInput, NotForSale, NotFound
from tenants.models import Account

MOST_TRIAL_DAYS = 365
MOST_PRICE = 10**9  # minor units
MOST_INCLUDED = 10**12

PlanRow: TypeAlias = PlatformPlan | ResellerPlan


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of these an account may have; None: as many as it wants."""

    smtp_accounts: int | None = None
    domains: int | None = None
    api_keys: int | None = None
    dedicated_ips: int | None = None

    def most(self) -> tuple[int | None, ...]:
        return (self.smtp_accounts, self.domains, self.api_keys, self.dedicated_ips)


@dataclass(frozen=True, slots=True)
class Overage:
    """E-mails beyond those included: minor units for 1,000 of them, before VAT, in the plan's currency.

    `limit`: most of them in a period; None: as many as come.
    """

    per_thousand: int
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan as it is offered. `price`: for a month; `included`: recipients in a period; `trial_days` 0: no trial.

    `overage` None: what is included and credits are all that can be sent.
    """

    name: str
    price: Money
    included: int
    trial_days: int = 0
    limits: Limits = Limits()
    overage: Overage | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan with its id. `retired`: nobody else may have it; those who have it keep it."""

    id: int
    name: str
    price: Money
    included: int
    trial_days: int
    limits: Limits
    retired: bool
    overage: Overage | None = None


def all_plans(session: Session, *, retired: bool = False) -> list[Plan]:
    """Every plan that is offered, the cheapest first; with `retired`, those that no longer are as well."""
    table = _table(session)
    query = select(table).order_by(table.retired, table.price, table.id)
    if not retired:
        query = query.where(~table.retired)
    rows: Iterable[PlanRow] = session.scalars(query)
    return [_plan(row) for row in rows]


def plan_by_id(session: Session, plan_id: int) -> Plan:
    """A plan, offered or retired. Raises NotFound."""
    return _plan(_row(session, plan_id))


def plans_for(session: Session, account: Account) -> list[Plan]:
    """What an account may subscribe to: the main account to the platform's plans, a customer to the reseller's."""
    if not account.is_main:
        return all_plans(session)
    with Session(db.engine) as platform:
        return all_plans(platform)


def plan_for(session: Session, account: Account, plan_id: int) -> Plan:
    """The plan with this id among those of the account's seller, retired ones as well. Raises NotFound.

    Reads the platform's rows in a transaction of its own, so that it may be asked from within a reseller's session.
    """
    if not account.is_main:
        return plan_by_id(session, plan_id)
    with Session(db.engine) as platform:
        return plan_by_id(platform, plan_id)


def offered_plan(session: Session, account: Account, plan_id: int) -> Plan:
    """The same, for somebody who wants to have it. Raises NotFound, and NotForSale also where it can't be invoiced."""
    plan = plan_for(session, account, plan_id)
    if plan.retired:
        raise NotForSale(f"The plan {plan.name} is no longer offered.")
    if plan.price.amount or plan.overage:
        require_billable(session, account, plan.price.currency)
    return plan


def create_plan(session: Session, new: NewPlan) -> Plan:
    """Offer a plan. Raises InvalidInput, or AlreadyExists."""
    _check(new)
    return _written(session, _table(session)(), new)


def edit_plan(session: Session, plan_id: int, new: NewPlan) -> Plan:
    """Change what is offered; whoever has the plan gets it so with the next period. Raises as `create_plan`, or NotFound."""
    _check(new)
    row = _row(session, plan_id)
    if row.currency != new.price.currency:
        raise InvalidInput("currency", "The currency of a plan stays; make another plan.")
    return _written(session, row, new)


def retire_plan(session: Session, plan_id: int) -> Plan:
    """Offer it no longer; subscriptions to it go on. Raises NotFound."""
    row = _row(session, plan_id)
    row.retired = True
    session.flush()
    return _plan(row)


def _check(new: NewPlan) -> None:
    minor_digits(new.price.currency)
    if not new.name.strip() or len(new.name.strip()) > 100:
        raise InvalidInput("name", "The plan needs a name of at most 100 characters.")
    if not 0 <= new.price.amount <= MOST_PRICE:
        raise InvalidInput("price", "The price can't be negative, nor that high.")
    if not 0 <= new.included <= MOST_INCLUDED:
        raise InvalidInput("included", "The included e-mails can't be negative, nor that many.")
    if not 0 <= new.trial_days <= MOST_TRIAL_DAYS:
        raise InvalidInput("trial_days", f"A trial has at most {MOST_TRIAL_DAYS} days.")
    if any(most is not None and not 0 <= most <= 10**6 for most in new.limits.most()):
        raise InvalidInput("limits", "A limit can't be negative, nor above a million.")
    if new.overage:
        _check_overage(new.overage)


def _check_overage(overage: Overage) -> None:
    if not 0 < overage.per_thousand <= MOST_PRICE:
        raise InvalidInput(
            "overage_price", "The price of overage must be more than nothing, and not that high."
        )
    if overage.limit is not None and not 0 < overage.limit <= MOST_INCLUDED:
        raise InvalidInput("overage_limit", "The limit of overage must be at least 1, and not that high.")


def _written(session: Session, row: PlanRow, new: NewPlan) -> Plan:
    try:
        with session.begin_nested():
            row.name, row.price, row.currency = new.name.strip(), new.price.amount, new.price.currency
            row.included, row.trial_days = new.included, new.trial_days
            row.smtp_accounts, row.domains, row.api_keys, row.dedicated_ips = new.limits.most()
            row.overage_price = new.overage.per_thousand if new.overage else None
            row.overage_limit = new.overage.limit if new.overage else None
            session.add(row)
    except IntegrityError as error:
        raise AlreadyExists(f"There is a plan {new.name.strip()} already.") from error
    session.refresh(row)
    return _plan(row)


def _table(session: Session) -> type[PlanRow]:
    return ResellerPlan if "reseller" in session.info else PlatformPlan


def _row(session: Session, plan_id: int) -> PlanRow:
    table = _table(session)
    found: Iterable[PlanRow] = session.scalars(select(table).where(table.id == plan_id))
    row = next(iter(found), None)
    if row is None:
        raise NotFound("There is no such plan.")
    return row


def _plan(row: PlanRow) -> Plan:
    return Plan(
        id=row.id,
        name=row.name,
        price=Money(row.price, row.currency),
        included=row.included,
        trial_days=row.trial_days,
        limits=Limits(row.smtp_accounts, row.domains, row.api_keys, row.dedicated_ips),
        retired=row.retired,
        overage=Overage(row.overage_price, row.overage_limit) if row.overage_price is not None else None,
    )
