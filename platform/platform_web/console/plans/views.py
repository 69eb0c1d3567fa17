"""Plans: list, create, edit, retire."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from billing.money import Money
from billing.plans.catalogue import (
    NewPlan,
    Plan,
    all_plans,
    create_plan,
    edit_plan,
    plan_by_id,
    retire_plan,
)
from platform_core.errors import AlreadyExists, InvalidInput
from platform_web.console.door import actor, rows
from platform_web.console.plans.forms import PlanForm, values_of
from tenants.models import AuditEntry
from whitelabel.site.questions import Question, ask

pages = Blueprint("plans", __name__)


@pages.get("/plans")
def every() -> ResponseReturnValue:
    return render_template(
        "console/plans.html", plans=all_plans(rows(), retired=True), money=_money, in_minor_units=Money
    )


@pages.route("/plans/new", methods=["GET", "POST"])
def create() -> ResponseReturnValue:
    form = PlanForm()
    made = _saved(form, None) if form.validate_on_submit() else None
    if made is None:
        return render_template("console/plan_form.html", form=form, plan=None), 422 if form.errors else 200
    return _done("plan.create", made, _("The plan %(name)s is offered.", name=made.name))


@pages.route("/plans/<int4:plan_id>", methods=["GET", "POST"])
def edit(plan_id: int) -> ResponseReturnValue:
    found = plan_by_id(rows(), plan_id)
    form = PlanForm(data=values_of(found))
    changed = _saved(form, found) if form.validate_on_submit() else None
    if changed is None:
        return render_template("console/plan_form.html", form=form, plan=found), 422 if form.errors else 200
    return _done("plan.edit", changed, _("The plan %(name)s is changed.", name=changed.name))


@pages.route("/plans/<int4:plan_id>/retire", methods=["GET", "POST"])
def retire(plan_id: int) -> ResponseReturnValue:
    found = plan_by_id(rows(), plan_id)
    question = Question(
        title=_("Retire the plan %(name)s?", name=found.name),
        text=_("Nobody else can have it. Resellers that have it keep it, and go on paying for it."),
        button=_("Retire"),
        back=url_for("plans.every"),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    retired = retire_plan(rows(), plan_id)
    return _done("plan.retire", retired, _("The plan %(name)s is no longer offered.", name=found.name))


def _saved(form: PlanForm, old: Plan | None) -> Plan | None:
    """Write the plan, or say beside the field why not."""
    try:
        new: NewPlan = form.wanted()
        return create_plan(rows(), new) if old is None else edit_plan(rows(), old.id, new)
    except AlreadyExists as error:
        form.name.errors = [str(error)]
    except InvalidInput as error:
        fields = {"price": form.price, "currency": form.currency, "included": form.included}
        fields |= {"trial_days": form.trial_days, "limits": form.smtp_accounts}
        fields |= {"overage_price": form.overage_price, "overage_limit": form.overage_limit}
        fields.get(error.field, form.name).errors = [str(error)]
    rows().rollback()
    return None


def _done(action: str, plan: Plan, sentence: str) -> ResponseReturnValue:
    rows().add(AuditEntry(actor=actor(), action=action, detail={"plan": plan.id, "name": plan.name}))
    rows().commit()
    flash(sentence)
    return redirect(url_for("plans.every"))


def _money(money: Money) -> str:
    return money.text(str(get_locale()))
