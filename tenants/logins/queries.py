"""Finding the person behind a cookie."""

import hashlib
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenants.logins.people import People
from tenants.models import LoginSession, Staff, StaffSession, State, User


def token_hash(token: str) -> bytes:
    """What is stored of a login's token: its SHA-256, so that reading the table lets nobody log in."""
    return hashlib.sha256(token.encode()).digest()


def logged_in(session: Session, people: People, token: str, now: datetime) -> User | Staff | None:
    """Who holds `token`; None when the login has ended, has expired or its person is suspended."""
    login = cast(LoginSession | StaffSession | None, session.get(people.login, token_hash(token)))
    if login is None or login.expires_at <= now:
        return None
    person = cast(User | Staff | None, session.get(people.person, getattr(login, people.owner)))
    return person if person is not None and person.state == State.ACTIVE else None


def person_by_email(session: Session, people: People, email: str) -> User | Staff | None:
    """Who logs in with this address, in whatever case it was typed."""
    found = select(people.person).where(people.person.email == email.strip().lower())
    return cast(User | Staff | None, session.scalar(found))
