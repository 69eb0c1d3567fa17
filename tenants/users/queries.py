"""Reads of users and staff."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from platform_core.ids import AccountId
from tenants.models import Staff, User


def users_of(session: Session, account_id: AccountId) -> list[User]:
    """Every user of an account, by address."""
    return list(session.scalars(select(User).where(User.account_id == account_id).order_by(User.email)))


def user_by_email(session: Session, email: str) -> User | None:
    """The user of this reseller who logs in with `email` (lower case), or None."""
    return session.scalar(select(User).where(User.email == email))


def staff_by_email(session: Session, email: str) -> Staff | None:
    """The member of staff who logs in with `email` (lower case), or None."""
    return session.scalar(select(Staff).where(Staff.email == email))


def the_user(session: Session, email: str) -> User:
    """The user with this address. Raises NotFound."""
    user = user_by_email(session, email.strip().lower())
    if user is None:
        raise NotFound(f"Nobody logs in with {email} here.")
    return user


def all_staff(session: Session) -> list[Staff]:
    """Everybody of the platform's staff, by address."""
    return list(session.scalars(select(Staff).order_by(Staff.email)))


def the_staff(session: Session, email: str) -> Staff:
    """The member of staff with this address. Raises NotFound."""
    staff = staff_by_email(session, email.strip().lower())
    if staff is None:
        raise NotFound(f"Nobody of the staff logs in with {email}.")
    return staff
