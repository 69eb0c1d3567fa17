"""Domains: list, add, show with the records to publish, check, remove."""

from typing import cast

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from platform_core.database import db
from platform_core.errors import AlreadyExists, InvalidInput
from platform_core.ids import DomainId
from platform_core.security import Seal
from tenants.domains.checking import check_domain
from tenants.domains.queries import domain_of, domains_of, record_statuses
from tenants.domains.reader import RecordReader
from tenants.domains.services import add_domain, remove_domain
from tenants.hostnames.queries import hostname_for
from tenants.models import Domain, HostPurpose
from whitelabel.portal.domains.forms import NewDomainForm
from whitelabel.portal.door import account, clock, reseller, rows
from whitelabel.site.access import owner_only
from whitelabel.site.questions import Question, ask
from whitelabel.site.requests import wants_part

pages = Blueprint("domains", __name__)


@pages.get("/domains")
def every() -> ResponseReturnValue:
    return render_template("domains/list.html", domains=domains_of(rows(), account().id))


@pages.route("/domains/new", methods=["GET", "POST"])
@owner_only
def create() -> ResponseReturnValue:
    form = NewDomainForm()
    domain = _added(form) if form.validate_on_submit() else None
    if domain is None:
        return render_template("domains/new.html", form=form), 422 if form.errors else 200
    return redirect(url_for("domains.one", domain_id=domain.id))


@pages.get("/domains/<int:domain_id>")
def one(domain_id: int) -> ResponseReturnValue:
    return _show(domain_id, "domains/domain.html")


@pages.post("/domains/<int:domain_id>/check")
def check(domain_id: int) -> ResponseReturnValue:
    """Members may look, and so may ask DNS; what it answers is nobody's choice."""
    # The check asks nameservers for up to 20 seconds: this request's own connection goes back first.
    mine = account().id
    rows().commit()
    check_domain(reseller(), mine, DomainId(domain_id), reader=_reader(), clock=clock())
    rows().expire_all()
    if not wants_part():
        return redirect(url_for("domains.one", domain_id=domain_id))
    return _show(domain_id, "domains/records.html")


@pages.route("/domains/<int:domain_id>/remove", methods=["GET", "POST"])
@owner_only
def remove(domain_id: int) -> ResponseReturnValue:
    domain = _mine(domain_id)
    question = Question(
        title=_("Remove %(name)s?", name=domain.name),
        text=_(
            "E-mail from this domain is refused from then on. To use it again you would publish a new DKIM key."
        ),
        button=_("Remove"),
        back=url_for("domains.one", domain_id=domain_id),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    remove_domain(rows(), domain)
    rows().commit()
    flash(_("%(name)s is removed.", name=domain.name))
    return redirect(url_for("domains.every"))


def _mine(domain_id: int) -> Domain:
    return domain_of(rows(), account().id, DomainId(domain_id))


def _show(domain_id: int, template: str) -> str:
    domain = _mine(domain_id)
    host = hostname_for(db.session(), reseller().id, HostPurpose.RETURN_PATH)
    return render_template(template, domain=domain, statuses=record_statuses(domain, host))


def _added(form: NewDomainForm) -> Domain | None:
    """Add the domain, or say beside the field why not."""
    try:
        domain = add_domain(rows(), account().id, form.name.data, seal=_seal())
    except (InvalidInput, AlreadyExists) as error:
        form.name.errors = [str(error)]
        return None
    rows().commit()
    return domain


def _seal() -> Seal:
    return cast(Seal, current_app.extensions["seal"])


def _reader() -> RecordReader:
    return cast(RecordReader, current_app.extensions["record_reader"])
