"""`frankpost staff`: people who run the platform."""

import click

from platform_core.security import random_text
from platform_web.commands.output import Row, json_option, say, show_many, show_one
from platform_web.commands.scope import actor, password_option, platform_scope
from tenants.models import Staff
from tenants.resellers.services import record_audit
from tenants.users.queries import all_staff, the_staff
from tenants.users.services import add_staff, change_staff_password, resume_staff, suspend_staff


@click.group()
def staff() -> None:
    """People who run the platform and log in to its console."""


@staff.command()
@click.argument("email")
@click.option("--name", required=True, help="What the console calls the person.")
@password_option
@json_option
def create(email: str, name: str, password: str | None, as_json: bool) -> None:
    """Add a member of staff; the password is shown once."""
    with platform_scope() as session:
        added = add_staff(session, email, name, password)
        record_audit(session, actor(), "staff.create", None, email=added.email)
    show_one({"id": added.id, "email": added.email, "password": added.password}, as_json=as_json)


@staff.command("list")
@json_option
def list_staff(as_json: bool) -> None:
    """Everybody of the staff."""
    with platform_scope() as session:
        show_many([_row(one) for one in all_staff(session)], as_json=as_json)


@staff.command()
@click.argument("email")
@json_option
def suspend(email: str, as_json: bool) -> None:
    """Refuse the login and end every session."""
    with platform_scope() as session:
        found = the_staff(session, email)
        suspend_staff(session, found)
        record_audit(session, actor(), "staff.suspend", None, email=found.email)
        row = _row(found)
    say(f"{row['email']} is suspended.", row, as_json=as_json)


@staff.command()
@click.argument("email")
@json_option
def resume(email: str, as_json: bool) -> None:
    """Undo a suspension."""
    with platform_scope() as session:
        found = the_staff(session, email)
        resume_staff(session, found)
        record_audit(session, actor(), "staff.resume", None, email=found.email)
        row = _row(found)
    say(f"{row['email']} is active.", row, as_json=as_json)


@staff.command()
@click.argument("email")
@password_option
@json_option
def password(email: str, password: str | None, as_json: bool) -> None:
    """Set a new password and end every session; it is shown once."""
    new = random_text(16) if password is None else password
    with platform_scope() as session:
        found = the_staff(session, email)
        change_staff_password(session, found, new)
        record_audit(session, actor(), "staff.password", None, email=found.email)
        address = found.email
    show_one({"email": address, "password": new}, as_json=as_json)


def _row(found: Staff) -> Row:
    return {
        "id": found.id,
        "email": found.email,
        "name": found.name,
        "state": found.state,
        "created_at": found.created_at,
    }
