"""Limits on what costs much or is worth guessing at: log-ins by address and by user name, other views by a key of theirs."""

from collections.abc import Callable
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter

from platform_core.settings import Settings
from relay_worker.submission.shared import client_key
from whitelabel.site.logins.desk import the_visitor
from whitelabel.site.requests import current_host


def make_limiter(app: Flask, settings: Settings) -> Limiter:
    """Counts for `app`: in Redis, shared by all web processes; without Redis each process counts for itself."""
    return Limiter(
        _by_address,
        app=app,
        storage_uri=_storage(settings.redis_url.get_secret_value()),
        in_memory_fallback_enabled=True,
        key_prefix=f"web-{app.name}",
        headers_enabled=False,
    )


def limit_logins(app: Flask, limiter: Limiter, settings: Settings, *, endpoint: str, field: str) -> None:
    """Count the POSTs to `endpoint` for each address and for each name in the form's `field`.

    A wrong user name counts like a right one, so that the limit tells nobody which names exist.
    """

    def by_name() -> str:
        return f"{_whose()}/{request.form.get(field, '').strip().lower()[:254]}"

    for key in (_by_address, by_name):
        limit_posts(app, limiter, settings.login_limit, endpoint=endpoint, key=key)


def limit_password_changes(app: Flask, limiter: Limiter, settings: Settings, *, endpoint: str) -> None:
    """Count the POSTs to `endpoint` for each person: whoever sits at a login of theirs may guess the password there."""

    def by_person() -> str:
        return f"{_whose()}/{the_visitor().person.id}"

    limit_posts(app, limiter, settings.login_limit, endpoint=endpoint, key=by_person)


def limit_posts(app: Flask, limiter: Limiter, limit: str, *, endpoint: str, key: Callable[[], str]) -> None:
    """Let POSTs to `endpoint` through only so often for each `key`; `limit` as in "10 per minute"."""
    view: Callable[..., Any] = app.view_functions[endpoint]
    app.view_functions[endpoint] = limiter.limit(limit, key_func=key, methods=["POST"])(view)


def _by_address() -> str:
    return client_key(request.remote_addr or "")


def _whose() -> str:
    """Whose people log in here. Not as the Host header says it: that may bear any port, and a reseller several names."""
    owner = current_host().reseller
    return str(owner.id) if owner else current_host().name


def _storage(redis_url: str) -> str:
    """Our REDIS_URL in the words of the limits library, which calls a socket `redis+unix`."""
    return f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
