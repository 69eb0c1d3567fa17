"""Builds a site: a Flask application with everything in this folder, to which pages are then added."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask_wtf import CSRFProtect
from jinja2 import FileSystemLoader, StrictUndefined

from platform_core.security import derive_key
from platform_core.settings import Settings
from whitelabel.http_errors import handle_errors
from whitelabel.site.assets import STATIC, serve_assets
from whitelabel.site.formats import add_formats
from whitelabel.site.headers import protect
from whitelabel.site.looks import THEMES
from whitelabel.site.nonsense import refuse_nonsense
from whitelabel.site.request_log import log_requests
from whitelabel.site.texts import speak

# The largest form is a few hundred bytes; nothing is uploaded yet.
_MOST_BYTES = 262_144


def build_site(
    name: str, settings: Settings, *, templates: list[Path], time_zone: Callable[[], str], cookie: str
) -> Flask:
    """An application without pages. `name` separates its keys from the other sites'; `templates` come before the theme's."""
    app = Flask(
        name,
        static_folder=str(STATIC),
        static_url_path="/static",
        template_folder=None,
        root_path=str(STATIC.parent),
    )
    app.config["SECRET_KEY"] = derive_key(settings.secret_key.get_secret_value(), f"cookies-{name}")
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES
    # The cookie lasts as long as the login's row in the database, counted from the log-in and not from the last request.
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(days=settings.session_days)
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    # A form lives as long as its session; the session ends in the database.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.jinja_loader = FileSystemLoader([*templates, THEMES / "default" / "templates"])
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    log_requests(app, site=name)
    CSRFProtect(app)
    refuse_nonsense(app)
    protect(app, settings, cookie=cookie)
    serve_assets(app)
    add_formats(app)
    speak(app, time_zone=time_zone)
    handle_errors(app)
    return app
