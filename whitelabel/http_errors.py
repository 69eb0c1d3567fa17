"""The one table from our errors to HTTP: a status for each, and the page that says it."""

from dataclasses import dataclass

import structlog
from flask import Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from platform_core import errors
from whitelabel.neutral import neutral_page

log = structlog.get_logger()

# From the particular to the general: the first class that fits decides.
STATUS: tuple[tuple[type[errors.FrankpostError], int], ...] = (
    (errors.NotFound, 404),
    (errors.AlreadyExists, 409),
    (errors.InvalidInput, 400),
    (errors.CredentialsRejected, 401),
    (errors.ResellerSuspended, 403),
    (errors.AccountSuspended, 403),
    (errors.CredentialSuspended, 403),
    (errors.SenderNotVerified, 409),
    (errors.CapReached, 409),
    (errors.InsufficientCredits, 402),
    (errors.RecipientsSuppressed, 409),
    (errors.TaxProfileMissing, 409),
    (errors.LimitReached, 409),
    (errors.InsufficientFunds, 402),
    (errors.PaymentDeclined, 402),
    (errors.NotForSale, 409),
    (errors.PaymentsOff, 409),
    (errors.EventRejected, 400),
    (errors.TooManyAttempts, 429),
    (errors.ServerUnreachable, 503),
    (errors.Unavailable, 503),
    (errors.SettingsInvalid, 500),
    (errors.FrankpostError, 400),
)


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What a person reads: a headline and a sentence with the way on."""

    title: str
    sentence: str


def status_of(error: errors.FrankpostError) -> int:
    """The HTTP status of an error of ours."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def handle_errors(app: Flask) -> None:
    """Let `app` answer every error with a page of the site, and never with our internals."""
    app.register_error_handler(errors.FrankpostError, _ours)
    app.register_error_handler(CSRFError, _expired_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(InterfaceError, _database)
    app.register_error_handler(Exception, _unknown)


def _ours(error: errors.FrankpostError) -> ResponseReturnValue:
    status = status_of(error)
    return _page(status) if status < 500 else _own_fault(status)


def _expired_form(_error: CSRFError) -> ResponseReturnValue:
    page = ErrorPage(
        _("This form has expired"),
        _(
            "It was open for too long, or you signed in again elsewhere. Go back, reload the page and try once more."
        ),
    )
    return _render(400, page)


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    if error.code >= 500:
        return _own_fault(error.code)
    status, headers = error.code, []
    if status == 405:
        headers = [(name, value) for name, value in error.get_headers() if name == "Allow"]
    return (*_page(status), headers) if headers else _page(status)


def _database(error: DBAPIError) -> ResponseReturnValue:
    log.error("database_unavailable", error=type(error.orig).__name__)
    return _own_fault(503)


def _unknown(_error: Exception) -> ResponseReturnValue:
    log.exception("request_failed", path=request.path)
    return _own_fault(500)


def _own_fault(status: int) -> Response:
    """A page that needs nothing: the brand's own would ask the database, which may be what failed."""
    return neutral_page(503 if status == 503 else 500, g.get("request_id", ""))


def _page(status: int) -> tuple[str, int]:
    return _render(status, _pages().get(status) or _pages()[400])


def _render(status: int, page: ErrorPage) -> tuple[str, int]:
    return render_template("error.html", page=page), status


def _pages() -> dict[int, ErrorPage]:
    return {
        400: ErrorPage(
            _("That did not work"), _("The request could not be understood. Go back and try once more.")
        ),
        403: ErrorPage(
            _("Not for your role"),
            _("Your account may look at this but not change it. Ask an owner of the account."),
        ),
        404: ErrorPage(
            _("Page not found"),
            _("There is nothing at this address. It may have been removed, or the link is wrong."),
        ),
        405: ErrorPage(_("That did not work"), _("This address does not take that kind of request.")),
        413: ErrorPage(_("Too much at once"), _("What you sent is larger than this form takes.")),
        429: ErrorPage(
            _("Too many attempts"),
            _("For safety this is paused. Please wait a few minutes and try again."),
        ),
    }
