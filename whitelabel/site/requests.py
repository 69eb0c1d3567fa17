"""What a request says about where it came in."""

from typing import cast

from flask import request

from whitelabel.hosts import HOST, Host


def current_host() -> Host:
    """The configured host this request came to, as the dispatcher found it."""
    return cast(Host, request.environ[HOST])


def wants_part() -> bool:
    """True when htmx asks for a part of the page rather than the whole, which it wants back after "back"."""
    headers = request.headers
    return "HX-Request" in headers and "HX-History-Restore-Request" not in headers
