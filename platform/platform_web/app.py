"""The whole web: every site behind the host dispatcher, as one WSGI application."""

from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from werkzeug.middleware.proxy_fix import ProxyFix

from billing.dunning.jobs import lift_when_paid
from platform_core.clock import Clock, SystemClock
from platform_core.database import db
from platform_core.errors import Unavailable
from platform_core.logging import configure_logging
from platform_core.settings import Settings, settings
from platform_web.commands.watching import web_watch
from platform_web.console.app import create_console
from relay_worker.holding.jobs import release_when_quota_grows
from tenants.models import Hostname, HostPurpose, Reseller
from whitelabel.hosts import FindHost, Host, HostDispatcher, RememberedHosts, SiteKind
from whitelabel.portal.app import create_portal
from whitelabel.tracking.app import create_tracking

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_KINDS = {HostPurpose.PORTAL: SiteKind.PORTAL, HostPurpose.TRACKING: SiteKind.TRACKING}


def create_application() -> "WSGIApplication":
    """What `wsgi.py` serves: everything from the environment's settings."""
    configure_logging(settings(), process="web")
    # Until the process ends: nobody tells this function of it.
    web_watch(settings()).__enter__()
    return behind_proxies(build_sites(settings(), SystemClock()), settings().trusted_proxies)


def behind_proxies(sites: "WSGIApplication", proxies: int) -> "WSGIApplication":
    """`sites` as they are reached through that many reverse proxies of our own, each of which adds one forwarded value."""
    if proxies == 0:
        # Nobody may say where a request comes from or goes to but the connection itself.
        return sites
    return ProxyFix(sites, x_for=proxies, x_proto=proxies, x_host=proxies)


def build_sites(settings: Settings, clock: Clock, *, remember_seconds: float = 3) -> HostDispatcher:
    """All sites behind their host names. `remember_seconds`: how long a host name's meaning is kept."""
    release_when_quota_grows()
    lift_when_paid()
    console = create_console(settings, clock)
    find = RememberedHosts(_finder(settings, console), seconds=remember_seconds)
    return HostDispatcher(
        {
            SiteKind.CONSOLE: console,
            SiteKind.PORTAL: create_portal(settings, clock),
            SiteKind.TRACKING: create_tracking(settings, clock),
        },
        find=find,
    )


def _finder(settings: Settings, app: Flask) -> FindHost:
    """Asks the settings for the console's name and the database for all others."""
    console = Host(settings.platform_host.lower(), SiteKind.CONSOLE)

    def find(name: str) -> Host | None:
        if name == console.name:
            return console
        with app.app_context():
            return _configured(name)

    return find


def _configured(name: str) -> Host | None:
    query = select(Hostname.purpose, Reseller).join(Reseller).where(Hostname.name == name)
    try:
        found = db.session.execute(query).one_or_none()
    except DBAPIError as error:
        raise Unavailable("The database does not answer.") from error
    if found is None or found.purpose not in _KINDS:
        return None
    reseller = found.Reseller
    return Host(name, _KINDS[HostPurpose(found.purpose)], reseller.ref, reseller.active)
