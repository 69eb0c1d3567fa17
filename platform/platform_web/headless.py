"""The application without a web: what commands and background jobs stand in to reach the database."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from billing.dunning.jobs import lift_when_paid
from platform_core.database import bind_database, db
from platform_core.settings import Settings
from relay_worker.holding.jobs import release_when_quota_grows


def create_headless_app(settings: Settings) -> Flask:
    """An application that binds the database and nothing else. Connects on first use."""
    app = Flask("frankpost", static_folder=None, template_folder=None)
    bind_database(app, settings)
    return app


@contextmanager
def headless_context(settings: Settings) -> Iterator[Flask]:
    """An application context for one piece of work; its connections are closed with it."""
    app = create_headless_app(settings)
    release_when_quota_grows()
    lift_when_paid()
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()
