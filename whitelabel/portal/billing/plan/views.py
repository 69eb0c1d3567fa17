"""The plan page with the dedicated IPs, and what can be done about both."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from billing.invoices.taxes import Taxed, require_billable, taxed
from billing.money import Money
from billing.payments.from_wallet import buy_from_wallet
from billing.payments.purchases import Purchase
from billing.plans.catalogue import Plan, plan_for, plans_for
from billing.plans.queries import PlanState, current_plan, room_of
from billing.plans.services import cancel_plan, change_plan, start_trial, upgrade_now
from billing.plans.states import RUNNING, PlanStatus
from billing.rentals.queries import Rental, handed_on, rentals_of
from billing.rentals.services import cancel_rental, keep_rental
from billing.wallet.queries import wallet_of
from platform_core.database import db
from platform_core.errors import NotForSale
from relay_worker.addresses.rented.queries import addresses_by_rental
from whitelabel.portal.billing.counter import bank_of_seller, card_counter, go_and_pay
from whitelabel.portal.billing.refusals import refusals_told
from whitelabel.portal.door import account, clock, reseller, rows
from whitelabel.site.access import owner_only
from whitelabel.site.questions import Question, ask

pages = Blueprint("plan", __name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan with what this account may do about it. `taxed`: what a month costs it; None where it can't be sold."""

    plan: Plan
    taxed: Taxed | None
    current: bool
    follows: bool
    by_card: bool
    by_wallet: bool
    trial: bool
    change: bool
    at_once: bool


@pages.get("/plan")
def show() -> ResponseReturnValue:
    present = current_plan(rows(), account(), clock=clock())
    follows = None
    if present and present.next_plan_id not in (None, present.plan_id):
        follows = plan_for(rows(), account(), present.next_plan_id or 0)
    return render_template(
        "billing/plan.html",
        present=present,
        due=_taxed(present.price) if present else None,
        follows=follows,
        runs=_runs(present),
        offers=[_offer(plan, present) for plan in plans_for(rows(), account())],
        room=room_of(rows(), account()),
        bank=bank_of_seller(),
        payable=_payable(),
        rentals=_rentals(),
        handed_on=_handed_on(),
    )


@pages.post("/plan/<int4:plan_id>/buy")
@owner_only
def buy(plan_id: int) -> ResponseReturnValue:
    """Begin it: by card at the checkout, or from the wallet at once."""
    with refusals_told():
        if request.form.get("way") == "card":
            return go_and_pay(Purchase.plan(plan_id), save_card=True)
        buy_from_wallet(rows(), account(), Purchase.plan(plan_id), clock=clock())
        rows().commit()
        flash(_("The plan has begun."))
    return _back()


@pages.post("/plan/<int4:plan_id>/trial")
@owner_only
def trial(plan_id: int) -> ResponseReturnValue:
    with refusals_told():
        start_trial(rows(), account(), plan_id, clock=clock())
        rows().commit()
        flash(_("The trial has begun. When it ends, the plan is paid from the wallet."))
    return _back()


@pages.post("/plan/<int4:plan_id>/change")
@owner_only
def change(plan_id: int) -> ResponseReturnValue:
    with refusals_told():
        changed = change_plan(rows(), account(), plan_id)
        rows().commit()
        flash(
            _("Noted. It holds from the end of this period on, %(day)s.", day=format_date(changed.period.end))
        )
    return _back()


@pages.post("/plan/<int4:plan_id>/upgrade")
@owner_only
def upgrade(plan_id: int) -> ResponseReturnValue:
    with refusals_told():
        upgrade_now(rows(), account(), plan_id, clock=clock())
        rows().commit()
        flash(_("The new plan holds from now on; the difference was taken from the wallet."))
    return _back()


@pages.route("/plan/cancel", methods=["GET", "POST"])
@owner_only
def cancel() -> ResponseReturnValue:
    question = Question(
        title=_("Cancel the plan?"),
        text=_("It goes on until the end of the period that is paid, and nothing follows."),
        button=_("Cancel the plan"),
        back=url_for("billing.plan.show"),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    with refusals_told():
        cancel_plan(rows(), account())
        rows().commit()
        flash(_("The plan ends with this period."))
    return _back()


@pages.route("/plan/ips/<uuid:rental_id>/cancel", methods=["GET", "POST"])
@owner_only
def cancel_ips(rental_id: UUID) -> ResponseReturnValue:
    question = Question(
        title=_("Give the dedicated IPs back?"),
        text=_("They are yours until the end of the month that is paid; after it others may send from them."),
        button=_("Give them back"),
        back=url_for("billing.plan.show"),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    with refusals_told():
        end = cancel_rental(rows(), account(), rental_id)
        rows().commit()
        flash(_("Noted. They are yours until %(day)s.", day=format_date(end)))
    return _back()


@pages.post("/plan/ips/<uuid:rental_id>/keep")
@owner_only
def keep_ips(rental_id: UUID) -> ResponseReturnValue:
    with refusals_told():
        keep_rental(rows(), account(), rental_id)
        rows().commit()
        flash(_("They stay yours."))
    return _back()


@dataclass(frozen=True, slots=True)
class RentedIps:
    """Dedicated IPs with the addresses that staff has assigned by now, and what a month costs."""

    rental: Rental
    addresses: tuple[str, ...]
    taxed: Taxed | None


def _rentals() -> list[RentedIps]:
    found = rentals_of(rows(), account().id)
    if not found:
        return []
    with Session(db.engine) as platform:
        addresses = addresses_by_rental(platform, reseller().id, account().id)
    return [RentedIps(one, tuple(addresses.get(one.id, ())), _taxed(one.price)) for one in found]


@dataclass(frozen=True, slots=True)
class HandedOnIps:
    """A customer's dedicated IPs as they cost the reseller."""

    customer: str
    rental: Rental
    taxed: Taxed | None


def _handed_on() -> list[HandedOnIps]:
    if not account().is_main:
        return []
    return [HandedOnIps(one.customer, one.rental, _taxed(one.rental.price)) for one in handed_on(rows())]


def _offer(plan: Plan, present: PlanState | None) -> Offer:
    current = bool(present and present.plan_id == plan.id and _runs(present))
    follows = bool(present and present.next_plan_id == plan.id)
    may_begin = present is None or present.status not in (PlanStatus.ACTIVE, PlanStatus.PAST_DUE)
    wallet, counter = wallet_of(rows(), account()).balance, card_counter()
    asked = _taxed(plan.price)
    return Offer(
        plan=plan,
        taxed=asked,
        current=current,
        follows=follows,
        by_card=may_begin and asked is not None and counter is not None and plan.price.amount > 0,
        by_wallet=may_begin
        and asked is not None
        and wallet is not None
        and wallet.currency == plan.price.currency
        and 0 < asked.gross.amount <= wallet.amount,
        trial=plan.trial_days > 0 and present is None,
        change=_runs(present)
        and not follows
        and bool(present and present.price.currency == plan.price.currency),
        at_once=bool(
            present
            and present.status is PlanStatus.ACTIVE
            and not current
            and plan.price.currency == present.price.currency
            and plan.price.amount > present.price.amount
            and plan.included >= present.included
        ),
    )


def _taxed(price: Money) -> Taxed | None:
    try:
        require_billable(rows(), account(), price.currency)
        return taxed(rows(), account(), price, now=clock().now())
    except NotForSale:
        return None


def _runs(present: PlanState | None) -> bool:
    return present is not None and present.status in RUNNING


def _payable() -> bool:
    """Whether there is any way here to pay for a plan."""
    return card_counter() is not None or wallet_of(rows(), account()).balance is not None


def _back() -> ResponseReturnValue:
    return redirect(url_for("billing.plan.show"))
