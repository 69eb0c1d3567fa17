"""Whose books a session writes: inside a reseller its own, otherwise the platform's."""

from sqlalchemy.orm import Session

from billing.invoices.models import PLATFORMS_BOOKS, RESELLERS_BOOKS, Books


def in_reseller(session: Session) -> bool:
    """Whether `session` is a tenant session."""
    return "reseller" in session.info


def books_of(session: Session) -> Books:
    """The tables of the level that `session` is on."""
    return RESELLERS_BOOKS if in_reseller(session) else PLATFORMS_BOOKS
