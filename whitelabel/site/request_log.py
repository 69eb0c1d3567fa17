"""One log line for each request, and an id that ties all lines of a request together."""

import secrets
import time

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger()


def log_requests(app: Flask, *, site: str) -> None:
    """Log every request of `app`: method, path without its query, status, milliseconds. Static files are left out."""

    @app.before_request
    def begin() -> None:
        # Ours, whatever a client sends as its own: an id in a log must not be forgeable.
        g.request_id = secrets.token_hex(8)
        g.began = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=g.request_id, site=site)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.get("request_id", "")
        if request.endpoint != "static":
            log.info(
                "request",
                method=request.method,
                path=_path(),
                status=response.status_code,
                duration_ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
            )
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request_id", "site", "reseller")


def _path() -> str:
    """The path; of one with a token in it the rule only, for a token may act, or name a person."""
    return str(request.url_rule) if "token" in (request.view_args or {}) else request.path
