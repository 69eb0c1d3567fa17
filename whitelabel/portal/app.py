"""The portal: one Flask application for all resellers' portal hosts; the host decides whose rows and brand it shows."""

from datetime import timedelta

import structlog
from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from platform_core.clock import Clock
from platform_core.database import bind_database
from platform_core.security import Seal, SecretVerifier
from platform_core.settings import Settings
from tenants.domains.reader import RecordReader
from tenants.logins.people import USERS
from whitelabel.portal.billing.views import add_billing
from whitelabel.portal.dashboard.views import pages as dashboard
from whitelabel.portal.domains.views import pages as domains
from whitelabel.portal.domains.words import add_domain_words
from whitelabel.portal.door import account, open_door, reseller, rows
from whitelabel.portal.emails.explanations import add_explanations
from whitelabel.portal.emails.protection import add_protection_words
from whitelabel.portal.emails.states import add_state_words
from whitelabel.portal.emails.views import pages as emails
from whitelabel.portal.held.views import pages as held
from whitelabel.portal.navigation import portal_brand, surround
from whitelabel.portal.sending.views import pages as sending
from whitelabel.portal.smtp_accounts.views import pages as smtp_accounts
from whitelabel.portal.smtp_settings.views import pages as smtp_settings
from whitelabel.portal.sub_accounts.views import pages as sub_accounts
from whitelabel.portal.suppressions.views import pages as suppressions
from whitelabel.portal.suppressions.words import add_reason_words
from whitelabel.site.access import require_login
from whitelabel.site.build import build_site
from whitelabel.site.limits import limit_logins, limit_password_changes, limit_posts, make_limiter
from whitelabel.site.logins.desk import LoginDesk
from whitelabel.site.logins.views import login_pages
from whitelabel.site.looks import serve_look
from whitelabel.site.requests import current_host

PAGES = (dashboard, emails, held, domains, suppressions, smtp_accounts, smtp_settings, sending, sub_accounts)


def create_portal(settings: Settings, clock: Clock) -> Flask:
    """The application. Works behind the host dispatcher only, which tells it whose host was asked for."""
    app = build_site("portal", settings, templates=[], time_zone=_time_zone, cookie="session")
    bind_database(app, settings, pool_size=settings.web_threads)
    app.extensions["settings"] = settings
    secret_key = settings.secret_key.get_secret_value()
    app.extensions["secret_verifier"] = SecretVerifier(secret_key)
    app.extensions["seal"] = Seal(secret_key)
    app.extensions["record_reader"] = RecordReader.from_settings(settings)
    open_door(app, clock)
    desk = LoginDesk(USERS, rows, clock, timedelta(days=settings.session_days))
    desk.attend(app)
    app.before_request(_name_reseller_in_logs)
    app.before_request(_closed_when_suspended)
    require_login(app, login_endpoint="logins.login")
    app.register_blueprint(login_pages(desk))
    for pages in PAGES:
        app.register_blueprint(pages)
    add_billing(app)
    serve_look(app, portal_brand)
    surround(app)
    add_state_words(app)
    add_explanations(app)
    add_protection_words(app)
    add_domain_words(app)
    add_reason_words(app)
    limiter = make_limiter(app, settings)
    limit_logins(app, limiter, settings, endpoint="logins.login", field="email")
    limit_password_changes(app, limiter, settings, endpoint="logins.password")
    # A check keeps a thread waiting for strangers' nameservers, for up to 20 seconds.
    limit_posts(app, limiter, "10 per minute", endpoint="domains.check", key=_account_key)
    limit_posts(app, limiter, "10 per minute", endpoint="sending.check", key=_account_key)
    return app


def _name_reseller_in_logs() -> None:
    structlog.contextvars.bind_contextvars(reseller=reseller().key)


def _closed_when_suspended() -> ResponseReturnValue | None:
    """A suspended reseller's portal shows one page, in its brand, whoever asks."""
    if current_host().active or request.endpoint in ("static", "theme_css"):
        return None
    return render_template("suspended.html"), 403


def _account_key() -> str:
    return f"{reseller().id}/{account().id}"


def _time_zone() -> str:
    """The account's, for whoever is logged in."""
    return account().time_zone if current_user.is_authenticated else "UTC"
