"""Reads of suppressions, inside a reseller's session."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.ids import AccountId
from relay_worker.models import Suppression


def suppressions_of(
    session: Session, account_id: AccountId, *, containing: str = "", limit: int = 100
) -> list[Suppression]:
    """The newest suppressions of an account whose address contains `containing`."""
    query = select(Suppression).where(Suppression.account_id == account_id)
    if containing:
        query = query.where(Suppression.address.contains(containing.strip().lower(), autoescape=True))
    return list(
        session.scalars(query.order_by(Suppression.created_at.desc(), Suppression.address).limit(limit))
    )
