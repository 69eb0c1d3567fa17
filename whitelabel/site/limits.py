"""The limit on log-in attempts, by address and by user name."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from platform_core.settings import Settings


def limit_logins(app: Flask, settings: Settings, *, endpoints: Iterable[str], field: str) -> Limiter:
    """Count the POSTs to `endpoints` for each address and for each name in the form's `field`.

    Counts live in Redis and are shared by all web processes; without Redis each process counts for itself. A wrong
    user name counts like a right one, so that the limit tells nobody which names exist.
    """
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri=_storage(settings.redis_url.get_secret_value()),
        in_memory_fallback_enabled=True,
        key_prefix=f"login-{app.name}",
        headers_enabled=False,
    )

    def by_name() -> str:
        return f"{request.host}/{request.form.get(field, '').strip().lower()[:254]}"

    for endpoint in endpoints:
        view: Callable[..., Any] = app.view_functions[endpoint]
        for key in (get_remote_address, by_name):
            view = limiter.limit(settings.login_limit, key_func=key, methods=["POST"])(view)
        app.view_functions[endpoint] = view
    return limiter


def _storage(redis_url: str) -> str:
    """Our REDIS_URL in the words of the limits library, which calls a socket `redis+unix`."""
    return f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
