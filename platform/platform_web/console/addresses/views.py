"""Addresses: every pool with its own, one address with its days, and what staff do with them."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.ids import ResellerKey
from platform_web.console.addresses import words
from platform_web.console.addresses.forms import NONE, NewAddressForm, NewPoolForm
from platform_web.console.addresses.queries import pool_sections
from platform_web.console.door import actor, clock, rows
from relay_worker.addresses.models import IpAddress
from relay_worker.addresses.overview import AddressOverview, every_address
from relay_worker.addresses.pools.services import create_pool
from relay_worker.addresses.queries import address_by_id, all_pools, hours_of, pool_by_name
from relay_worker.addresses.services import (
    NewAddress,
    add_address,
    pause_address,
    resume_address,
    retire_address,
    start_warmup,
    stop_warmup,
)
from tenants.resellers.queries import reseller_by_key
from whitelabel.site.questions import Question, ask
from whitelabel.site.requests import wants_part

pages = Blueprint("addresses", __name__)

_HOURS_SHOWN = timedelta(hours=12)


@pages.get("/addresses")
def every() -> ResponseReturnValue:
    return render_template(
        "console/address_pools.html" if wants_part() else "console/addresses.html",
        sections=pool_sections(rows(), clock().now()),
        words=words,
    )


@pages.get("/addresses/<int4:ip_id>")
def show(ip_id: int) -> ResponseReturnValue:
    found = _overview(ip_id)
    hours = hours_of(rows(), ip_id, clock().now() - _HOURS_SHOWN)
    return render_template("console/address.html", one=found, hours=hours, words=words)


# --- making ---


@pages.route("/addresses/pools/new", methods=["GET", "POST"])
def create() -> ResponseReturnValue:
    form = NewPoolForm()
    form.fallback.choices = [
        (NONE, _("None: mail waits")),
        *((pool.name, pool.name) for pool in all_pools(rows())),
    ]
    if form.validate_on_submit() and _pool_made(form):
        return _done(_("The pool %(name)s is ready.", name=form.name.data))
    return render_template("console/pool_new.html", form=form), 422 if form.errors else 200


@pages.route("/addresses/new", methods=["GET", "POST"])
def add() -> ResponseReturnValue:
    form = NewAddressForm()
    form.pool.choices = [(pool.name, pool.name) for pool in all_pools(rows())]
    if form.validate_on_submit() and _address_added(form):
        return _done(_("Mail leaves from %(address)s within half a minute.", address=form.address.data))
    return render_template("console/address_new.html", form=form), 422 if form.errors else 200


def _pool_made(form: NewPoolForm) -> bool:
    """Make the pool, or say beside the field why not."""
    try:
        key, fallback = (form.reseller.data or "").strip(), form.fallback.data
        create_pool(
            rows(),
            form.name.data,
            actor=actor(),
            reseller=reseller_by_key(rows(), ResellerKey(key)).ref if key else None,
            fallback=pool_by_name(rows(), fallback) if fallback else None,
            is_default=form.is_default.data,
        )
        return True
    except NotFound as error:
        form.reseller.errors = [str(error)]
    except AlreadyExists as error:
        form.name.errors = [str(error)]
    except InvalidInput as error:
        field = {"fallback": form.fallback, "default": form.is_default}.get(error.field, form.name)
        field.errors = [str(error)]
    rows().rollback()
    return False


def _address_added(form: NewAddressForm) -> bool:
    """Add the address, or say beside the field why not."""
    try:
        new = NewAddress(form.address.data, form.helo.data, form.warm_up.data, form.peak_per_day.data)
        add_address(rows(), pool_by_name(rows(), form.pool.data), new, clock=clock(), actor=actor())
        return True
    except InvalidInput as error:
        field = {"helo": form.helo, "peak": form.peak_per_day}.get(error.field, form.address)
        field.errors = [str(error)]
    except AlreadyExists as error:
        form.address.errors = [str(error)]
    rows().rollback()
    return False


# --- what is done with one ---


@pages.route("/addresses/<int4:ip_id>/pause", methods=["GET", "POST"])
def pause(ip_id: int) -> ResponseReturnValue:
    found = address_by_id(rows(), ip_id)
    question = Question(
        title=_("Pause %(address)s?", address=found.address),
        text=_(
            "Nothing leaves from it until you resume it. Its mail goes over the other addresses, or waits."
        ),
        button=_("Pause"),
        back=url_for("addresses.every"),
    )
    if not question.answered:
        return ask(question)
    pause_address(rows(), found, actor=actor())
    return _done(_("%(address)s is paused.", address=found.address))


@pages.post("/addresses/<int4:ip_id>/resume")
def resume(ip_id: int) -> ResponseReturnValue:
    found = address_by_id(rows(), ip_id)
    resume_address(rows(), found, actor=actor())
    return _done(_("%(address)s sends again.", address=found.address))


@pages.route("/addresses/<int4:ip_id>/retire", methods=["GET", "POST"])
def retire(ip_id: int) -> ResponseReturnValue:
    found = address_by_id(rows(), ip_id)
    question = Question(
        title=_("Retire %(address)s?", address=found.address),
        text=_("Nothing leaves from it any more, and it is no longer checked. What it did stays known."),
        button=_("Retire"),
        back=url_for("addresses.every"),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    retire_address(rows(), found, actor=actor())
    return _done(_("%(address)s is retired.", address=found.address))


@pages.route("/addresses/<int4:ip_id>/warm-up", methods=["GET", "POST"])
def warm_up(ip_id: int) -> ResponseReturnValue:
    found = address_by_id(rows(), ip_id)
    question = Question(
        title=_("Warm up %(address)s from the beginning?", address=found.address),
        text=_(
            "It begins with 200 recipients a day for each provider; the rest goes over the fallback pool."
        ),
        button=_("Warm up"),
        back=url_for("addresses.show", ip_id=ip_id),
    )
    if not question.answered:
        return ask(question)
    start_warmup(rows(), found, clock=clock(), actor=actor())
    return _done(_("%(address)s begins its warm-up.", address=found.address), found)


@pages.route("/addresses/<int4:ip_id>/warm", methods=["GET", "POST"])
def warm(ip_id: int) -> ResponseReturnValue:
    found = address_by_id(rows(), ip_id)
    question = Question(
        title=_("End the warm-up of %(address)s?", address=found.address),
        text=_("It may send without a daily limit at once. Providers block addresses that do so too early."),
        button=_("End warm-up"),
        back=url_for("addresses.show", ip_id=ip_id),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    stop_warmup(rows(), found, actor=actor())
    return _done(_("%(address)s is taken for warm.", address=found.address), found)


def _overview(ip_id: int) -> AddressOverview:
    """Raises NotFound."""
    for one in every_address(rows(), clock().now()):
        if one.id == ip_id:
            return one
    raise NotFound("There is no such address.")


def _done(sentence: str, found: IpAddress | None = None) -> ResponseReturnValue:
    rows().commit()
    flash(sentence)
    return redirect(url_for("addresses.show", ip_id=found.id) if found else url_for("addresses.every"))
