"""Who may open a page: nobody but the logged-in, unless a view is marked public."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import Forbidden

P = ParamSpec("P")
R = TypeVar("R")

_PUBLIC = "_frankpost_public"


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view as open to everybody. Every such view is on the list of the guard test."""
    setattr(view, _PUBLIC, True)
    return view


def is_public(app: Flask, endpoint: str) -> bool:
    """True when the view behind `endpoint` may be seen without a log-in; static files may."""
    return endpoint == "static" or getattr(app.view_functions[endpoint], _PUBLIC, False)


def require_login(app: Flask, *, login_endpoint: str) -> None:
    """Send everybody else to the log-in page of `app`. A view that forgets to say anything is closed."""

    @app.before_request
    def check() -> ResponseReturnValue | None:
        if (
            request.endpoint is None
            or is_public(current_app, request.endpoint)
            or current_user.is_authenticated
        ):
            return None
        return _to_login(login_endpoint)


def owner_only(view: Callable[P, R]) -> Callable[P, R]:
    """Refuse a view to those who may only look (role member)."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_user.is_owner:
            raise Forbidden
        return view(*args, **kwargs)

    return guarded


def _to_login(endpoint: str) -> ResponseReturnValue:
    target = url_for(endpoint)
    if request.method == "GET" and not request.headers.get("HX-Request"):
        path = request.full_path.rstrip("?")
        return redirect(target if path == "/" else url_for(endpoint, next=path))
    if request.headers.get("HX-Request"):
        # htmx would put the log-in page into a corner of this one; this header makes it change pages.
        return Response(status=401, headers={"HX-Redirect": target})
    return redirect(target)
