"""What a console request works with."""

from typing import cast

from flask import current_app
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.database import db
from platform_core.settings import Settings
from whitelabel.site.logins.desk import the_visitor


def rows() -> Session:
    """This request's session on the platform's own tables. The view commits."""
    return db.session()


def clock() -> Clock:
    """The clock that the site was built with."""
    return cast(Clock, current_app.extensions["clock"])


def site_settings() -> Settings:
    """The settings that the site was built with."""
    return cast(Settings, current_app.extensions["settings"])


def actor() -> str:
    """How the audit log names whoever is logged in."""
    return the_visitor().person.email
