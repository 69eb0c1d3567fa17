"""What a portal request works with: its reseller's session, and the account of whoever is logged in."""

from contextlib import ExitStack
from typing import cast

from flask import Flask, current_app, g
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import NotFound
from tenants.models import Account, User
from whitelabel.site.logins.desk import the_visitor
from whitelabel.site.requests import current_host


def open_door(app: Flask, site_clock: Clock) -> None:
    """Let the requests of `app` use what follows; each request's session ends with it."""
    app.extensions["clock"] = site_clock

    @app.teardown_appcontext
    def close(_error: BaseException | None) -> None:
        opened: ExitStack | None = g.pop("door", None)
        g.pop("rows", None)
        if opened is not None:
            opened.close()


def reseller() -> ResellerRef:
    """The reseller whose host name the request came to."""
    found = current_host().reseller
    if found is None:
        raise NotFound("This host name leads to no reseller.")
    return found


def rows() -> Session:
    """This request's session inside its reseller; opened when first asked for. The view commits."""
    if "rows" not in g:
        g.door = ExitStack()
        g.rows = g.door.enter_context(tenant_session(reseller()))
    return cast(Session, g.rows)


def account() -> Account:
    """The account of whoever is logged in: the only one whose rows a view may ask for."""
    return cast(User, the_visitor().person).account


def clock() -> Clock:
    """The clock that the site was built with."""
    return cast(Clock, current_app.extensions["clock"])
