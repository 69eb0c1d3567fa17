"""The pages: sign in, sign out, change the password."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from platform_core.errors import CredentialsRejected, InvalidInput
from tenants.logins.services import change_own_password
from whitelabel.links import local_path
from whitelabel.site.access import public
from whitelabel.site.logins.desk import LoginDesk, the_visitor
from whitelabel.site.logins.forms import LoginForm, PasswordForm


def login_pages(desk: LoginDesk) -> Blueprint:
    """The pages for the people of `desk`."""
    pages = Blueprint("logins", __name__)

    @pages.route("/login", methods=["GET", "POST"])
    @public
    def login() -> ResponseReturnValue:
        target = local_path(request.args.get("next"))
        if current_user.is_authenticated:
            return redirect(target)
        form, status = LoginForm(), 200
        if form.validate_on_submit():
            try:
                desk.log_in(form.email.data, form.password.data)
                return redirect(target)
            except CredentialsRejected:
                form.password.errors = [_("The e-mail address or the password is wrong.")]
                status = 401
        return render_template("login.html", form=form), status

    @pages.post("/logout")
    def logout() -> ResponseReturnValue:
        desk.log_out()
        return redirect(url_for("logins.login"))

    @pages.route("/password", methods=["GET", "POST"])
    def password() -> ResponseReturnValue:
        form = PasswordForm()
        if form.validate_on_submit() and _changed(desk, form):
            flash(_("Your password is changed. Everywhere else you have been signed out."))
            return redirect(url_for("logins.password"))
        return render_template("password.html", form=form), 422 if form.errors else 200

    return pages


def _changed(desk: LoginDesk, form: PasswordForm) -> bool:
    """Change the password, or say beside the field why not."""
    rows, visitor = desk.rows(), the_visitor()
    try:
        change_own_password(
            rows, visitor.person, current=form.current.data, new=form.new.data, token=visitor.token
        )
    except CredentialsRejected:
        form.current.errors = [_("The current password is wrong.")]
        return False
    except InvalidInput:
        form.new.errors = [_("The new password must differ from the current one.")]
        return False
    rows.commit()
    return True
