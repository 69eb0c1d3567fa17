"""Verbs on resellers. They work on the platform's session; the caller commits."""

from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef, as_tenant, schema_of
from platform_core.errors import AlreadyExists, InvalidInput
from platform_core.ids import ResellerKey
from tenants.accounts.services import check_time_zone
from tenants.hostnames.services import add_hostname
from tenants.models import Account, AccountKind, AuditEntry, Brand, HostPurpose, Reseller, Role, State
from tenants.users.services import NewUser, add_user


@dataclass(frozen=True, slots=True)
class NewReseller:
    """What it takes to make a reseller. `key` names its schema for good; `hostnames`: purpose to name."""

    key: ResellerKey
    name: str
    owner_email: str
    hostnames: dict[HostPurpose, str]
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class CreatedReseller:
    """The new reseller and its first owner's password, which is kept nowhere in clear."""

    reseller: ResellerRef
    owner_email: str
    owner_password: str


def create_reseller(session: Session, new: NewReseller, *, actor: str) -> CreatedReseller:
    """Make a reseller: row, schema, role, brand, main account, first owner, hostnames; all of it or nothing.

    Raises InvalidInput, or AlreadyExists when the key or a hostname is taken; roll back after either.
    """
    schema_of(new.key)
    if not new.name.strip():
        raise InvalidInput("name", "The reseller needs a name.")
    check_time_zone(new.time_zone)
    return furnish(session, _insert_reseller(session, new), new, actor=actor)


def furnish(session: Session, reseller: ResellerRef, new: NewReseller, *, actor: str) -> CreatedReseller:
    """Give a reseller whose row and schema are there what it begins with: brand, main account, owner, hostnames."""
    for purpose, hostname in new.hostnames.items():
        add_hostname(session, reseller.id, hostname, purpose)
    with as_tenant(session, reseller):
        session.add(Brand(company_name=new.name.strip()))
        account = Account(kind=AccountKind.MAIN, name=new.name.strip(), time_zone=new.time_zone)
        session.add(account)
        session.flush()
        owner = add_user(session, NewUser(account.id, new.owner_email, Role.OWNER))
    record_audit(session, actor, "reseller.create", reseller, key=new.key)
    return CreatedReseller(reseller, owner.email, owner.password)


def _insert_reseller(session: Session, new: NewReseller) -> ResellerRef:
    reseller = Reseller(key=new.key, name=new.name.strip())
    try:
        session.add(reseller)
        session.flush()
        session.execute(select(func.platform.create_tenant(new.key)))
    except IntegrityError as error:
        raise AlreadyExists(f"A reseller with the key {new.key} exists already.") from error
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") in {"42710", "42P06"}:  # duplicate_object, duplicate_schema
            raise AlreadyExists(f"The key {new.key} is in use by something else on this server.") from error
        raise
    return reseller.ref


def suspend_reseller(session: Session, reseller: Reseller, *, actor: str) -> None:
    """No more mail and no more logins, from the next message and the next request."""
    reseller.state = State.SUSPENDED
    record_audit(session, actor, "reseller.suspend", reseller.ref)


def resume_reseller(session: Session, reseller: Reseller, *, actor: str) -> None:
    """Undo a suspension."""
    reseller.state = State.ACTIVE
    record_audit(session, actor, "reseller.resume", reseller.ref)


def delete_reseller(owner_session: Session, reseller: Reseller, *, actor: str) -> None:
    """Remove a reseller with all its mail, people and credits, for good. Needs a session of the database's owner."""
    ref = reseller.ref
    owner_session.execute(text("SELECT platform.drop_tenant(:key)"), {"key": ref.key})
    owner_session.delete(reseller)
    record_audit(owner_session, actor, "reseller.delete", ref, key=ref.key)


def record_audit(
    session: Session, actor: str, action: str, reseller: ResellerRef | None, **detail: str
) -> None:
    """Add a line to the audit log; `action` is `noun.verb`."""
    session.add(AuditEntry(actor=actor, action=action, reseller_id=reseller and reseller.id, detail=detail))
    session.flush()
