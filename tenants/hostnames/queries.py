"""Reads of hostnames."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef
from platform_core.ids import ResellerId
from tenants.models import Hostname, HostPurpose, Reseller


def hostnames_of(session: Session, reseller_id: ResellerId) -> list[Hostname]:
    """Every name of a reseller, by purpose and age."""
    query = select(Hostname).where(Hostname.reseller_id == reseller_id)
    return list(session.scalars(query.order_by(Hostname.purpose, Hostname.created_at, Hostname.name)))


def hostname_for(session: Session, reseller_id: ResellerId, purpose: HostPurpose) -> str | None:
    """The oldest name of a reseller for a purpose: the one that is shown and used."""
    query = select(Hostname.name).where(Hostname.reseller_id == reseller_id, Hostname.purpose == purpose)
    return session.scalar(query.order_by(Hostname.created_at, Hostname.name).limit(1))


def reseller_at(session: Session, name: str, purpose: HostPurpose) -> ResellerRef | None:
    """Whose name this is for this purpose; a suspended reseller's too."""
    query = select(Reseller).join(Hostname).where(Hostname.name == name, Hostname.purpose == purpose)
    reseller = session.scalar(query)
    return reseller.ref if reseller else None
