"""Logging in and out, and changing a password."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from platform_core.errors import CredentialsRejected, InvalidInput
from platform_core.security import hash_password, password_matches
from tenants.logins.people import People
from tenants.logins.queries import person_by_email, token_hash
from tenants.models import Staff, State, User
from tenants.users.services import change_staff_password, change_user_password

# More than anybody's password has; keeps argon2 from being fed megabytes.
LONGEST_PASSWORD = 256


@dataclass(frozen=True, slots=True)
class Client:
    """Where a login comes from, for the person's own list of logins."""

    address: str
    user_agent: str


def log_in(
    session: Session,
    people: People,
    *,
    email: str,
    password: str,
    client: Client,
    now: datetime,
    lasts: timedelta,
) -> str:
    """Begin a login and return its token, 256 random bits as text. Raises CredentialsRejected.

    Checks a password even where there is no such person, so that the time taken doesn't tell which addresses exist.
    """
    person = person_by_email(session, people, email)
    matches = password_matches(
        password[:LONGEST_PASSWORD], person.password_hash if person else _nobodys_hash()
    )
    if person is None or not matches or person.state != State.ACTIVE:
        raise CredentialsRejected("The e-mail address or the password is wrong.")
    token = secrets.token_urlsafe(32)
    session.execute(delete(people.login).where(people.login.expires_at <= now))
    session.add(
        people.login(
            token_hash=token_hash(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + lasts,
            address=client.address,
            user_agent=client.user_agent[:300],
            **{people.owner: person.id},
        )
    )
    session.flush()
    return token


def log_out(session: Session, people: People, token: str) -> None:
    """End one login; saying so twice does no harm."""
    session.execute(delete(people.login).where(people.login.token_hash == token_hash(token)))


def note_seen(session: Session, people: People, token: str, now: datetime) -> bool:
    """Keep when a login was last used, to five minutes; True when something was written."""
    seen = session.execute(
        update(people.login)
        .where(
            people.login.token_hash == token_hash(token),
            people.login.last_seen_at < now - timedelta(minutes=5),
        )
        .values(last_seen_at=now)
        .returning(people.login.token_hash)
    )
    return seen.first() is not None


def change_own_password(
    session: Session, person: User | Staff, *, current: str, new: str, token: str
) -> None:
    """Set a new password and end every other login of the person. Raises CredentialsRejected or InvalidInput."""
    if not password_matches(current[:LONGEST_PASSWORD], person.password_hash):
        raise CredentialsRejected("The current password is wrong.")
    if new == current:
        raise InvalidInput("new password", "The new password is the old one.")
    if isinstance(person, User):
        change_user_password(session, person, new, keep=token_hash(token))
    else:
        change_staff_password(session, person, new, keep=token_hash(token))


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe(16))
