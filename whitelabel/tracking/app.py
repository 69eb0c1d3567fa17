"""The tracking site: one Flask application for all resellers' tracking hosts, without sessions, cookies or logins."""

from flask import Flask, request

from platform_core.clock import Clock
from platform_core.database import bind_database
from platform_core.settings import Settings
from relay_worker.suppressions.tokens import UnsubscribeTokens
from whitelabel.portal.door import open_door
from whitelabel.portal.navigation import portal_brand
from whitelabel.site.build import build_site
from whitelabel.site.limits import limit_posts, make_limiter
from whitelabel.site.looks import serve_look
from whitelabel.tracking.unsubscribe.views import pages as unsubscribe


def create_tracking(settings: Settings, clock: Clock) -> Flask:
    """The application. Works behind the host dispatcher only, which tells it whose host was asked for."""
    app = build_site("tracking", settings, templates=[], time_zone=lambda: "UTC", cookie="unused")
    # Nobody is logged in here, so there is nothing a forged form could borrow; and RFC 8058 3.2 has mail programs post
    # without cookies, of which the tokens would set one.
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.context_processor(lambda: {"csrf_token": str})
    bind_database(app, settings, pool_size=settings.web_threads)
    app.extensions["unsubscribe_tokens"] = UnsubscribeTokens.from_secret(
        settings.secret_key.get_secret_value()
    )
    open_door(app, clock)
    app.register_blueprint(unsubscribe)
    serve_look(app, portal_brand)
    # By link and not by address: large providers unsubscribe all their people from a few addresses.
    limit_posts(app, make_limiter(app, settings), "20 per minute", endpoint="unsubscribe.act", key=_path)
    return app


def _path() -> str:
    return f"{request.host}{request.path}"
