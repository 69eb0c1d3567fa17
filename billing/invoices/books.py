"""Whose books a session writes: inside a reseller its own, otherwise the platform's."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from billing.invoices.models import PLATFORMS_BOOKS, RESELLERS_BOOKS, Books
from platform_core.database import ResellerRef, db
from tenants.models import Account


def in_reseller(session: Session) -> bool:
    """Whether `session` is a tenant session."""
    return "reseller" in session.info


def books_of(session: Session) -> Books:
    """The tables of the level that `session` is on."""
    return RESELLERS_BOOKS if in_reseller(session) else PLATFORMS_BOOKS


@contextmanager
def books_of_seller_to(session: Session, account: Account) -> Iterator[tuple[Session, int]]:
    """From inside a reseller: the books in which the account is a buyer, and who it is there.

    Of a customer these are the reseller's, of the main account the platform's, in a transaction of their own.
    """
    if not account.is_main:
        yield session, account.id
        return
    reseller: ResellerRef = session.info["reseller"]
    with Session(db.engine) as platform:
        yield platform, reseller.id
