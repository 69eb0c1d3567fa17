"""The console: the Flask application for the platform's staff. The only site that shows the platform's name."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask, request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from platform_core.clock import Clock
from platform_core.database import bind_database
from platform_core.settings import Settings
from platform_web.console.addresses.views import pages as addresses
from platform_web.console.door import rows
from platform_web.console.inbound.views import pages as inbound
from platform_web.console.invoices.views import pages as invoices
from platform_web.console.plans.views import pages as plans
from platform_web.console.queue.views import pages as queue
from platform_web.console.resellers.views import pages as resellers
from platform_web.console.traffic.views import pages as traffic
from platform_web.health import pages as health
from tenants.logins.people import STAFF
from whitelabel.site.access import require_login
from whitelabel.site.build import build_site
from whitelabel.site.limits import limit_logins, limit_password_changes, make_limiter
from whitelabel.site.logins.desk import LoginDesk
from whitelabel.site.logins.views import login_pages
from whitelabel.site.looks import Brandmark, serve_look
from whitelabel.webhooks.views import pages as webhooks

_TEMPLATES = Path(__file__).parent / "templates"
_COLOUR = "#4338ca"


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of the menu."""

    endpoint: str
    icon: str
    label: LazyString

    @property
    def current(self) -> bool:
        return (request.blueprint or "") == self.endpoint.split(".")[0]


MENU = (
    MenuEntry("resellers.every", "building-store", _l("Resellers")),
    MenuEntry("plans.every", "tag", _l("Plans")),
    MenuEntry("invoices.every", "receipt", _l("Invoices")),
    MenuEntry("queue.show", "stack-2", _l("Queue")),
    MenuEntry("inbound.every", "inbox", _l("Returned mail")),
    MenuEntry("traffic.every", "send", _l("Traffic")),
    MenuEntry("addresses.every", "server-2", _l("Addresses")),
)


def create_console(settings: Settings, clock: Clock) -> Flask:
    """The application; works behind the host dispatcher."""
    app = build_site(
        "console", settings, templates=[_TEMPLATES], time_zone=lambda: "UTC", cookie="console_session"
    )
    bind_database(app, settings)
    app.extensions["settings"] = settings
    app.extensions["clock"] = clock
    desk = LoginDesk(STAFF, rows, clock, timedelta(days=settings.session_days))
    desk.attend(app)
    require_login(app, login_endpoint="logins.login")
    app.register_blueprint(login_pages(desk))
    app.register_blueprint(resellers)
    app.register_blueprint(plans)
    app.register_blueprint(invoices)
    app.register_blueprint(queue)
    app.register_blueprint(inbound)
    app.register_blueprint(addresses)
    app.register_blueprint(traffic)
    app.register_blueprint(health)
    app.register_blueprint(webhooks)
    app.extensions["csrf"].exempt(webhooks)
    brandmark = Brandmark(settings.platform_name, _COLOUR)
    serve_look(app, lambda: brandmark)
    app.context_processor(lambda: {"menu": MENU})
    limiter = make_limiter(app, settings)
    limit_logins(app, limiter, settings, endpoint="logins.login", field="email")
    limit_password_changes(app, limiter, settings, endpoint="logins.password")
    return app
