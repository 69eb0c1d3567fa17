"""Reads of resellers."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from platform_core.ids import ResellerId, ResellerKey
from tenants.models import Brand, Reseller


def all_resellers(session: Session) -> list[Reseller]:
    """Every reseller, by name."""
    return list(session.scalars(select(Reseller).order_by(Reseller.name, Reseller.id)))


def reseller_by_key(session: Session, key: ResellerKey) -> Reseller:
    """The reseller with this key. Raises NotFound."""
    reseller = session.scalar(select(Reseller).where(Reseller.key == key))
    if reseller is None:
        raise NotFound(f"There is no reseller with the key {key}.")
    return reseller


def reseller_by_id(session: Session, reseller_id: ResellerId) -> Reseller:
    """The reseller with this id. Raises NotFound."""
    reseller = session.get(Reseller, reseller_id)
    if reseller is None:
        raise NotFound("There is no such reseller.")
    return reseller


def brand(session: Session) -> Brand:
    """How the reseller of this (tenant) session looks."""
    return session.scalars(select(Brand)).one()
