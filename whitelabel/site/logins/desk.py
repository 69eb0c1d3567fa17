"""The desk at which one kind of people log in to one site."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from flask import Flask, request
from flask import session as cookie
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from tenants.logins.people import People
from tenants.logins.queries import logged_in
from tenants.logins.services import Client, log_in, log_out, note_seen
from tenants.models import Role, Staff, User


class LoggedIn(UserMixin):  # type: ignore[misc]  # flask-login has no types
    """Whoever sent this request: a person and the token of this very login."""

    def __init__(self, person: User | Staff, token: str) -> None:
        self.person = person
        self.token = token

    def get_id(self) -> str:
        # Flask-Login keeps this in the signed cookie and hands it back to the loader: the token is the identity, so
        # that ending its row in the database ends the login whatever the cookie says.
        return self.token

    @property
    def is_owner(self) -> bool:
        """True for those who may change things; all staff may."""
        return isinstance(self.person, Staff) or self.person.role == Role.OWNER


@dataclass(frozen=True, slots=True)
class LoginDesk:
    """Who logs in here, where their rows are, what time it is and how long a login lasts."""

    people: People
    rows: Callable[[], Session]
    clock: Clock
    lasts: timedelta

    def attend(self, app: Flask) -> None:
        """Let Flask-Login ask this desk who sends a request."""
        manager = LoginManager(app)
        # Its own protection hashes address and browser into the cookie, and so throws out people on trains.
        manager.session_protection = None
        manager.user_loader(self._recognise)

    def log_in(self, email: str, password: str) -> None:
        """Begin a login in a new cookie session. Raises CredentialsRejected."""
        rows = self.rows()
        client = Client(request.remote_addr or "", request.user_agent.string)
        token = log_in(
            rows,
            self.people,
            email=email,
            password=password,
            client=client,
            now=self.clock.now(),
            lasts=self.lasts,
        )
        rows.commit()
        # Whatever was in the cookie before the log-in may be known to somebody else (session fixation).
        cookie.clear()
        cookie.permanent = True
        recognised = self._recognise(token)
        if recognised is not None:
            login_user(recognised)

    def log_out(self) -> None:
        """End this login here and in the browser."""
        rows = self.rows()
        log_out(rows, self.people, the_visitor().token)
        rows.commit()
        logout_user()
        cookie.clear()

    def _recognise(self, token: str) -> LoggedIn | None:
        rows, now = self.rows(), self.clock.now()
        person = logged_in(rows, self.people, token, now)
        if person is None:
            return None
        if note_seen(rows, self.people, token, now):
            rows.commit()
        return LoggedIn(person, token)


def the_visitor() -> LoggedIn:
    """Whoever is logged in. Only for views that are not public."""
    return cast(LoggedIn, current_user)
