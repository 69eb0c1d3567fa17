"""The SMTP settings page."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from platform_core.ids import AccountId
from tenants.domains.queries import domains_of
from tenants.models import DomainState, SmtpAccount
from tenants.smtp_accounts.queries import smtp_accounts_of
from whitelabel.portal.door import account, rows
from whitelabel.portal.smtp_settings.connection import connection_settings
from whitelabel.portal.smtp_settings.snippets import Login, snippets_for

pages = Blueprint("smtp_settings", __name__)


@pages.get("/smtp-settings")
def show() -> ResponseReturnValue:
    connection = connection_settings()
    logins = smtp_accounts_of(rows(), account().id)
    chosen = _chosen(logins)
    filled = Login(
        host=connection.host,
        port=connection.port,
        user_name=chosen.user_name if chosen else "YOUR_USER_NAME",
        sender=f"hello@{_sending_domain(account().id)}",
    )
    return render_template(
        "smtp_settings.html",
        connection=connection,
        logins=logins,
        chosen=chosen,
        snippets=snippets_for(filled),
    )


def _chosen(logins: list[SmtpAccount]) -> SmtpAccount | None:
    """The login named in the address, else the first."""
    wanted = request.args.get("login", "")
    return next((login for login in logins if str(login.id) == wanted), logins[0] if logins else None)


def _sending_domain(account_id: AccountId) -> str:
    """A domain the account may send from, so that a snippet works as it stands; else the one reserved for examples."""
    verified = (one.name for one in domains_of(rows(), account_id) if one.state == DomainState.VERIFIED)
    return next(verified, "example.com")
