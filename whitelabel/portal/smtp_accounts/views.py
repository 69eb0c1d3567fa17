"""SMTP accounts: list, create, suspend, resume, rotate, delete. A secret is shown once, on the page that made it."""

from typing import cast

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from platform_core.ids import SmtpAccountId
from platform_core.security import SecretVerifier
from tenants.models import SmtpAccount
from tenants.smtp_accounts.queries import smtp_account_of, smtp_accounts_of
from tenants.smtp_accounts.services import (
    create_smtp_account,
    delete_smtp_account,
    resume_smtp_account,
    rotate_secret,
    suspend_smtp_account,
)
from whitelabel.portal.door import account, clock, rows
from whitelabel.portal.smtp_accounts.forms import NewSmtpAccountForm
from whitelabel.portal.smtp_settings.connection import connection_settings
from whitelabel.site.access import owner_only
from whitelabel.site.questions import Question, ask

pages = Blueprint("smtp_accounts", __name__)


@pages.get("/smtp-accounts")
def every() -> ResponseReturnValue:
    return render_template("smtp_accounts/list.html", smtp_accounts=smtp_accounts_of(rows(), account().id))


@pages.route("/smtp-accounts/new", methods=["GET", "POST"])
@owner_only
def create() -> ResponseReturnValue:
    form = NewSmtpAccountForm()
    if not form.validate_on_submit():
        return render_template("smtp_accounts/new.html", form=form), 422 if form.errors else 200
    issued = create_smtp_account(rows(), account().id, form.name.data, verifier=_verifier())
    rows().commit()
    return _show_once(issued.smtp_account, issued.secret), 201


@pages.route("/smtp-accounts/<int:smtp_account_id>/rotate", methods=["GET", "POST"])
@owner_only
def rotate(smtp_account_id: int) -> ResponseReturnValue:
    found = _mine(smtp_account_id)
    question = Question(
        title=_("Make a new secret for %(name)s?", name=found.name),
        text=_("Applications that still use the old secret can't send from then on."),
        button=_("Make a new secret"),
        back=url_for("smtp_accounts.every"),
    )
    if not question.answered:
        return ask(question)
    issued = rotate_secret(rows(), found, verifier=_verifier(), clock=clock())
    rows().commit()
    return _show_once(issued.smtp_account, issued.secret)


@pages.route("/smtp-accounts/<int:smtp_account_id>/delete", methods=["GET", "POST"])
@owner_only
def delete(smtp_account_id: int) -> ResponseReturnValue:
    found = _mine(smtp_account_id)
    question = Question(
        title=_("Delete %(name)s?", name=found.name),
        text=_(
            "Applications that use it can't send from then on. E-mails it has sent stay in the list. This is final."
        ),
        button=_("Delete"),
        back=url_for("smtp_accounts.every"),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    delete_smtp_account(rows(), found)
    rows().commit()
    flash(_("%(name)s is deleted.", name=found.name))
    return redirect(url_for("smtp_accounts.every"))


@pages.post("/smtp-accounts/<int:smtp_account_id>/suspend")
@owner_only
def suspend(smtp_account_id: int) -> ResponseReturnValue:
    found = _mine(smtp_account_id)
    suspend_smtp_account(rows(), found)
    rows().commit()
    flash(_("%(name)s is suspended: it can't send until you resume it.", name=found.name))
    return redirect(url_for("smtp_accounts.every"))


@pages.post("/smtp-accounts/<int:smtp_account_id>/resume")
@owner_only
def resume(smtp_account_id: int) -> ResponseReturnValue:
    found = _mine(smtp_account_id)
    resume_smtp_account(rows(), found)
    rows().commit()
    flash(_("%(name)s may send again.", name=found.name))
    return redirect(url_for("smtp_accounts.every"))


def _mine(smtp_account_id: int) -> SmtpAccount:
    return smtp_account_of(rows(), account().id, SmtpAccountId(smtp_account_id))


def _show_once(smtp_account: SmtpAccount, secret: str) -> str:
    return render_template(
        "smtp_accounts/secret.html",
        smtp_account=smtp_account,
        secret=secret,
        connection=connection_settings(),
    )


def _verifier() -> SecretVerifier:
    return cast(SecretVerifier, current_app.extensions["secret_verifier"])
