"""The sending page: an account's choices for its mail; for the reseller's own people its signing domain besides."""

from dataclasses import asdict, replace
from typing import cast

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden

from platform_core.errors import InvalidInput
from platform_core.security import Seal
from tenants.accounts.services import choose_for_mail, mail_choices
from tenants.domains.reader import RecordReader
from tenants.resellers.signing_check import check_signing_domain
from tenants.resellers.signing_domain import (
    find_signing_domain,
    remove_signing_domain,
    set_signing_domain,
    signing_record,
    the_signing_domain,
)
from whitelabel.portal.door import account, clock, reseller, rows
from whitelabel.portal.sending.forms import ChoicesForm, SigningDomainForm
from whitelabel.site.access import owner_only
from whitelabel.site.questions import Question, ask

pages = Blueprint("sending", __name__)


@pages.get("/sending")
def show() -> ResponseReturnValue:
    return _page(ChoicesForm(data=asdict(mail_choices(account()))), SigningDomainForm())


@pages.post("/sending")
@owner_only
def choose() -> ResponseReturnValue:
    form = ChoicesForm()
    if not form.validate_on_submit():
        return _page(form, SigningDomainForm()), 422
    found = account()
    chosen = replace(
        mail_choices(found),
        list_unsubscribe=form.list_unsubscribe.data,
        require_tls=form.require_tls.data,
        keep_bodies=form.keep_bodies.data,
    )
    choose_for_mail(rows(), found, chosen)
    rows().commit()
    flash(_("Saved. It holds for all e-mail within a minute."))
    return redirect(url_for("sending.show"))


@pages.post("/sending/signing-domain")
@owner_only
def sign_as() -> ResponseReturnValue:
    _for_the_reseller()
    form = SigningDomainForm()
    if not form.validate_on_submit() or not _set(form):
        return _page(ChoicesForm(formdata=None, data=asdict(mail_choices(account()))), form), 422
    return redirect(url_for("sending.show"))


@pages.post("/sending/signing-domain/check")
@owner_only
def check() -> ResponseReturnValue:
    _for_the_reseller()
    rows().commit()  # the look-ups take their time, and hold no connection
    reader = cast(RecordReader, current_app.extensions["record_reader"])
    check_signing_domain(reseller(), reader=reader, clock=clock())
    return redirect(url_for("sending.show"))


@pages.route("/sending/signing-domain/remove", methods=["GET", "POST"])
@owner_only
def remove() -> ResponseReturnValue:
    _for_the_reseller()
    found = the_signing_domain(rows())
    question = Question(
        title=_("Sign as %(name)s no more?", name=found.name),
        text=_("E-mail is signed by the senders' own domains alone from then on."),
        button=_("Remove"),
        back=url_for("sending.show"),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    remove_signing_domain(rows(), found)
    rows().commit()
    flash(_("%(name)s signs no more.", name=found.name))
    return redirect(url_for("sending.show"))


def _for_the_reseller() -> None:
    """Whose signature stands on everybody's mail is no customer's affair."""
    if not account().is_main:
        raise Forbidden


def _set(form: SigningDomainForm) -> bool:
    """Set the domain, or say beside the field why not."""
    seal = cast(Seal, current_app.extensions["seal"])
    try:
        set_signing_domain(rows(), form.name.data, seal=seal)
    except InvalidInput as error:
        form.name.errors = [str(error)]
        return False
    rows().commit()
    return True


def _page(choices: ChoicesForm, signing_form: SigningDomainForm) -> str:
    found = find_signing_domain(rows()) if account().is_main else None
    return render_template(
        "sending/sending.html",
        choices=choices,
        signing_form=signing_form,
        signing_domain=found,
        status=signing_record(found) if found is not None else None,
    )
