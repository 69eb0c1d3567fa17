"""In whose books the invoices to the visitor are: a reseller's are in the platform's, a customer's in the reseller's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from platform_core.database import db
from whitelabel.portal.door import account, reseller, rows


@dataclass(frozen=True, slots=True)
class OwnBooks:
    """A session on these books, and who the visitor is in them."""

    session: Session
    buyer_id: int


@contextmanager
def own_books() -> Iterator[OwnBooks]:
    """Only what is asked with this `buyer_id` may be shown: the platform's books hold every reseller's invoices."""
    if not account().is_main:
        yield OwnBooks(rows(), account().id)
        return
    with Session(db.engine) as platform:
        yield OwnBooks(platform, reseller().id)
