"""The application without a web: what commands and background jobs stand in to reach the database."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from platform_core.database import db, web_url
from platform_core.settings import Settings


def create_headless_app(settings: Settings) -> Flask:
    """An application that binds the database and nothing else. Connects on first use."""
    app = Flask("frankpost", static_folder=None, template_folder=None)
    app.config["SQLALCHEMY_DATABASE_URI"] = web_url(settings)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": 10},
    }
    db.init_app(app)
    return app


@contextmanager
def headless_context(settings: Settings) -> Iterator[Flask]:
    """An application context for one piece of work; its connections are closed with it."""
    app = create_headless_app(settings)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()
