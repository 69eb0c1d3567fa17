"""The two kinds of people who log in, and where their logins are kept."""

from dataclasses import dataclass

from tenants.models import LoginSession, Staff, StaffSession, User


@dataclass(frozen=True, slots=True)
class People:
    """One kind of people: their rows, the rows of their logins, and the login's column that names the person."""

    person: type[User] | type[Staff]
    login: type[LoginSession] | type[StaffSession]
    owner: str


USERS = People(User, LoginSession, "user_id")
STAFF = People(Staff, StaffSession, "staff_id")
