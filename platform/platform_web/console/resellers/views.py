"""Resellers: list, create, suspend, resume."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from platform_core.errors import AlreadyExists, InvalidInput
from platform_core.ids import ResellerKey
from platform_web.console.door import actor, clock, rows, site_settings
from platform_web.console.resellers.forms import NewResellerForm
from platform_web.console.resellers.queries import reseller_page
from tenants.models import HostPurpose, Reseller
from tenants.resellers.queries import reseller_by_key
from tenants.resellers.services import (
    CreatedReseller,
    NewReseller,
    create_reseller,
    resume_reseller,
    suspend_reseller,
)
from whitelabel.links import external_url
from whitelabel.site.questions import Question, ask
from whitelabel.site.requests import wants_part

pages = Blueprint("resellers", __name__)

_MOST_PAGES = 10_000


@pages.get("/")
def every() -> ResponseReturnValue:
    name = request.args.get("q", "").strip().replace("\0", "")[:100]
    number = min(max(request.args.get("page", 1, type=int), 1), _MOST_PAGES)
    page = reseller_page(rows(), name=name, number=number, now=clock().now())
    return render_template(
        "console/reseller_rows.html" if wants_part() else "console/resellers.html",
        page=page,
        name=name,
        portal_url=lambda host: external_url(site_settings(), host),
    )


@pages.route("/resellers/new", methods=["GET", "POST"])
def create() -> ResponseReturnValue:
    form = NewResellerForm()
    created = _created(form) if form.validate_on_submit() else None
    if created is None:
        return render_template("console/reseller_new.html", form=form), 422 if form.errors else 200
    portal = external_url(site_settings(), form.portal.data.strip().lower(), "/login")
    return render_template(
        "console/reseller_created.html", created=created, name=form.name.data, portal=portal
    ), 201


@pages.route("/resellers/<key>/suspend", methods=["GET", "POST"])
def suspend(key: str) -> ResponseReturnValue:
    reseller = reseller_by_key(rows(), ResellerKey(key))
    question = Question(
        title=_("Suspend %(name)s?", name=reseller.name),
        text=_(
            "Its customers can't send and nobody can use its portal until you resume it. Mail already accepted is still delivered."
        ),
        button=_("Suspend"),
        back=url_for("resellers.every"),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    suspend_reseller(rows(), reseller, actor=actor())
    return _done(reseller, _("%(name)s is suspended.", name=reseller.name))


@pages.post("/resellers/<key>/resume")
def resume(key: str) -> ResponseReturnValue:
    reseller = reseller_by_key(rows(), ResellerKey(key))
    resume_reseller(rows(), reseller, actor=actor())
    return _done(reseller, _("%(name)s may send again.", name=reseller.name))


def _done(reseller: Reseller, sentence: str) -> ResponseReturnValue:
    rows().commit()
    flash(sentence)
    return redirect(url_for("resellers.every"))


def _created(form: NewResellerForm) -> CreatedReseller | None:
    """Make the reseller, or say beside the field why not."""
    try:
        created = create_reseller(rows(), _wanted(form), actor=actor())
        rows().commit()
        return created
    except InvalidInput as error:
        field = {"key": form.key, "name": form.name, "email": form.owner_email}.get(error.field, form.portal)
        field.errors = [str(error)]
    except AlreadyExists as error:
        form.key.errors = [str(error)]
    rows().rollback()
    return None


def _wanted(form: NewResellerForm) -> NewReseller:
    hosts = {
        HostPurpose.PORTAL: form.portal.data,
        HostPurpose.SMTP: form.smtp.data,
        HostPurpose.RETURN_PATH: form.return_path.data,
    }
    return NewReseller(
        key=ResellerKey(form.key.data),
        name=form.name.data,
        owner_email=form.owner_email.data,
        hostnames={purpose: host for purpose, host in hosts.items() if host and host.strip()},
    )
