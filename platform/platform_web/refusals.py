"""The one table from our errors to the command line: an exit code, and words for an error that brings none."""

from dataclasses import dataclass

import click
import psycopg
from sqlalchemy.exc import DBAPIError

from platform_core import errors

REFUSED = 1

# From the particular to the general: the first class that fits decides. Usage errors (2) are click's own.
REFUSALS: tuple[tuple[type[errors.FrankpostError], int, str], ...] = (
    (errors.SettingsInvalid, REFUSED, "The settings are not complete."),
    (errors.ServerUnreachable, REFUSED, "A server that we need does not answer."),
    (errors.NotFound, REFUSED, "There is no such thing."),
    (errors.AlreadyExists, REFUSED, "The name is taken."),
    (errors.InvalidInput, REFUSED, "A value can't be taken."),
    (errors.ResellerSuspended, REFUSED, "The reseller is suspended."),
    (errors.AccountSuspended, REFUSED, "The account is suspended."),
    (errors.CredentialSuspended, REFUSED, "The SMTP account is suspended."),
    (errors.CredentialsRejected, REFUSED, "The user name or the password is wrong."),
    (errors.SenderNotVerified, REFUSED, "The sender's domain is not verified."),
    (errors.CapReached, REFUSED, "The account's monthly cap is reached."),
    (errors.InsufficientCredits, REFUSED, "The credits don't suffice."),
    (errors.RecipientsSuppressed, REFUSED, "Every recipient is suppressed."),
    (errors.InsufficientFunds, REFUSED, "The wallet does not hold enough."),
    (errors.PaymentDeclined, REFUSED, "The payment was declined."),
    (errors.NotForSale, REFUSED, "That is not for sale."),
    (errors.PaymentsOff, REFUSED, "Payments are not set up; see FRANKPOST_STRIPE_SECRET_KEY."),
    (errors.EventRejected, REFUSED, "That is not an event of the payment service."),
    (errors.TaxProfileMissing, REFUSED, "A tax profile is missing."),
    (errors.LimitReached, REFUSED, "The plan allows no more of these."),
    (errors.TooManyAttempts, REFUSED, "Too many attempts."),
    (errors.Unavailable, REFUSED, "That is not possible at the moment; please try again later."),
    (errors.FrankpostError, REFUSED, "That is not possible."),
)

# Postgres' SQLSTATE of a database that `frankpost db upgrade` has not prepared: no role, schema, table, function.
_NOT_PREPARED = {"28000", "28P01", "3F000", "42P01", "42703", "42883"}
# Of one that others are at work in: a lock that did not come, a deadlock, a time limit.
_BUSY = {"55P03", "40P01", "57014"}


@dataclass(frozen=True, slots=True)
class Refusal:
    exit_code: int
    sentence: str


class Refused(click.ClickException):
    """Ends the command with the refusal's exit code, its sentence on standard error."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.exit_code = refusal.exit_code  # type: ignore[misc]  # click reads it from the instance


def refusal_of(error: errors.FrankpostError | DBAPIError | psycopg.Error) -> Refusal:
    """The exit code and the sentence of an error; a fault of the database gets what the operator can do about it."""
    if isinstance(error, DBAPIError):
        return Refusal(REFUSED, _database_sentence(error.orig))
    if isinstance(error, psycopg.Error):
        return Refusal(REFUSED, _database_sentence(error))
    code, words = next((code, words) for kind, code, words in REFUSALS if isinstance(error, kind))
    return Refusal(code, str(error) or words)


def _database_sentence(error: BaseException | None) -> str:
    reason, state = str(error).strip(), getattr(error, "sqlstate", None)
    # libpq reports a refused login without its SQLSTATE.
    if state in _NOT_PREPARED or "password authentication failed" in reason or 'role "frankpost_' in reason:
        return f"The database is not prepared for this version; run `frankpost db upgrade`. ({reason})"
    if state in _BUSY:
        return f"Others are at work in the database just there; please try again in a moment. ({reason})"
    if isinstance(error, psycopg.OperationalError):
        return f"The database does not answer: {reason}"
    return f"The database refused: {reason}"
