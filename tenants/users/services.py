"""Verbs on users and staff: making them, their passwords, their sessions. The caller commits."""

from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from platform_core.errors import AlreadyExists, InvalidInput
from platform_core.ids import AccountId
from platform_core.mail.addresses import AddressSyntax, parse_address
from platform_core.security import hash_password, random_text
from tenants.models import LoginSession, Role, Staff, StaffSession, State, User

SHORTEST_PASSWORD = 10
_LONGEST_PASSWORD = 256  # argon2 takes any length; an attacker must not choose how much it chews


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to make. Without a password one is generated."""

    account_id: AccountId
    email: str
    role: Role
    name: str = ""
    password: str | None = None


@dataclass(frozen=True, slots=True)
class AddedPerson:
    """Who was added, and the password to hand over once."""

    id: int
    email: str
    password: str


def parse_login_email(text: str) -> str:
    """`text` as the lower-case address people log in with. Raises InvalidInput."""
    try:
        return parse_address(text.strip()).folded
    except AddressSyntax as error:
        raise InvalidInput("email", f"{text!r} is not an e-mail address.") from error


def add_user(session: Session, new: NewUser) -> AddedPerson:
    """Add a user to an account of this reseller. Raises InvalidInput, or AlreadyExists when the address is known here."""
    password = new.password or random_text(16)
    user = User(
        account_id=new.account_id,
        email=parse_login_email(new.email),
        name=new.name,
        password_hash=hash_checked_password(password),
        role=new.role,
    )
    _add(session, user, user.email)
    return AddedPerson(user.id, user.email, password)


def add_staff(session: Session, email: str, name: str, password: str | None = None) -> AddedPerson:
    """Add a member of the platform's staff. Raises InvalidInput or AlreadyExists."""
    password = password or random_text(16)
    staff = Staff(
        email=parse_login_email(email), name=name.strip(), password_hash=hash_checked_password(password)
    )
    _add(session, staff, staff.email)
    return AddedPerson(staff.id, staff.email, password)


def change_user_password(session: Session, user: User, password: str, *, keep: bytes | None = None) -> None:
    """Set a password and end every session of the user but `keep` (a token hash). Raises InvalidInput."""
    user.password_hash = hash_checked_password(password)
    session.execute(
        delete(LoginSession).where(LoginSession.user_id == user.id, LoginSession.token_hash != (keep or b""))
    )
    session.flush()


def change_staff_password(
    session: Session, staff: Staff, password: str, *, keep: bytes | None = None
) -> None:
    """Set a password and end every session of the staff member but `keep` (a token hash). Raises InvalidInput."""
    staff.password_hash = hash_checked_password(password)
    session.execute(
        delete(StaffSession).where(
            StaffSession.staff_id == staff.id, StaffSession.token_hash != (keep or b"")
        )
    )
    session.flush()


def suspend_user(session: Session, user: User) -> None:
    """Refuse the login and end every session."""
    user.state = State.SUSPENDED
    session.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    session.flush()


def resume_user(session: Session, user: User) -> None:
    """Undo a suspension."""
    user.state = State.ACTIVE
    session.flush()


def suspend_staff(session: Session, staff: Staff) -> None:
    """Refuse the login and end every session."""
    staff.state = State.SUSPENDED
    session.execute(delete(StaffSession).where(StaffSession.staff_id == staff.id))
    session.flush()


def resume_staff(session: Session, staff: Staff) -> None:
    """Undo a suspension."""
    staff.state = State.ACTIVE
    session.flush()


def hash_checked_password(password: str) -> str:
    """The argon2 hash of a password that is long enough. Raises InvalidInput."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput("password", f"The password needs at least {SHORTEST_PASSWORD} characters.")
    if len(password) > _LONGEST_PASSWORD:
        raise InvalidInput("password", f"The password may have at most {_LONGEST_PASSWORD} characters.")
    return hash_password(password)


def _add(session: Session, person: User | Staff, email: str) -> None:
    try:
        with session.begin_nested():
            session.add(person)
    except IntegrityError as error:
        raise AlreadyExists(f"Somebody logs in with {email} already.") from error
