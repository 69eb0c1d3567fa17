"""Traffic: the rules, what servers' words lead to, and the lanes that are held back."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from platform_core.errors import InvalidInput
from platform_web.console.door import actor, clock, rows
from platform_web.console.traffic.forms import NewRuleForm, ReactionForm, RuleForm
from relay_worker.traffic.queries import lanes_held_back, traffic_rule, traffic_rules
from relay_worker.traffic.rules import TrafficRule
from relay_worker.traffic.services import react, react_no_more, release_lane, remove_rule, save_rule
from whitelabel.site.questions import Question, ask
from whitelabel.site.requests import wants_part

pages = Blueprint("traffic", __name__)

# The fields of forms by the names that errors give them, where those differ.
_FIELDS = {"pause": "pause_minutes", "hold": "hold_minutes"}


@pages.get("/traffic")
def every() -> ResponseReturnValue:
    now = clock().now()
    return render_template(
        "console/traffic_lanes.html" if wants_part() else "console/traffic.html",
        rules=traffic_rules(rows()),
        lanes=lanes_held_back(rows(), now),
        now=now,
    )


# --- rules ---


@pages.route("/traffic/rules/new", methods=["GET", "POST"])
def create() -> ResponseReturnValue:
    form = NewRuleForm(data={"connections": 10, "messages_per_connection": 100})
    if form.validate_on_submit():
        name = form.name.data.strip().lower()
        if any(rule.name == name for rule in traffic_rules(rows())):
            form.name.errors = [_("There is a rule of this name already.")]
        elif _saved(form, form.rule(_blank(name), clock().now().date())):
            return _done(_("Workers follow the rule %(name)s within half a minute.", name=name))
    return render_template("console/traffic_rule.html", form=form, rule=None), 422 if form.errors else 200


@pages.route("/traffic/rules/<name>", methods=["GET", "POST"])
def edit(name: str) -> ResponseReturnValue:
    rule = traffic_rule(rows(), name)
    form = RuleForm.of(rule)
    if form.validate_on_submit() and _saved(form, form.rule(rule, clock().now().date())):
        return _done(_("Workers follow the rule %(name)s within half a minute.", name=name))
    return render_template("console/traffic_rule.html", form=form, rule=rule), 422 if form.errors else 200


@pages.route("/traffic/rules/<name>/remove", methods=["GET", "POST"])
def remove(name: str) -> ResponseReturnValue:
    rule = traffic_rule(rows(), name)
    question = Question(
        title=_("Remove the rule %(name)s?", name=rule.name),
        text=_("The default holds for its mail servers from then on."),
        button=_("Remove"),
        back=url_for("traffic.edit", name=name),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    remove_rule(rows(), name, actor=actor())
    return _done(_("The rule %(name)s is gone.", name=name))


# --- reactions ---


@pages.route("/traffic/rules/<name>/reactions/new", methods=["GET", "POST"])
def add_reaction(name: str) -> ResponseReturnValue:
    rule, form = traffic_rule(rows(), name), ReactionForm()
    if form.validate_on_submit():
        try:
            react(rows(), name, form.reaction(), actor=actor())
            return _done(_("Lanes under %(name)s react to it within half a minute.", name=name))
        except InvalidInput as error:
            _show(form, error)
    return render_template("console/traffic_reaction.html", form=form, rule=rule), 422 if form.errors else 200


@pages.post("/traffic/rules/<name>/reactions/remove")
def remove_reaction(name: str) -> ResponseReturnValue:
    react_no_more(rows(), name, request.form.get("says", ""), actor=actor())
    return _done(_("Lanes under %(name)s don't react to it any more.", name=name))


# --- lanes ---


@pages.post("/traffic/lanes/release")
def release() -> ResponseReturnValue:
    site = request.form.get("site", "")
    release_lane(rows(), site, source=request.form.get("source", ""), actor=actor(), clock=clock())
    return _done(_("The lane to %(site)s is open again.", site=site))


def _saved(form: RuleForm, rule: TrafficRule) -> bool:
    """Save the rule, or say beside the field why not."""
    try:
        save_rule(rows(), rule, actor=actor())
        return True
    except InvalidInput as error:
        _show(form, error)
        return False


def _show(form: Any, error: InvalidInput) -> None:
    rows().rollback()
    field = form[_FIELDS.get(error.field, error.field)]
    field.errors = [str(error)]


def _blank(name: str) -> TrafficRule:
    return TrafficRule(name, (), True, 1, None, 1, None, False, "", date.min)


def _done(sentence: str) -> ResponseReturnValue:
    rows().commit()
    flash(sentence)
    return redirect(url_for("traffic.every"))
