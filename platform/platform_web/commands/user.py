"""`frankpost user`: people who log in to a reseller's portal."""

import click

from platform_core.security import random_text
from platform_web.commands.output import Row, json_option, say, show_many, show_one
from platform_web.commands.scope import account_option, password_option, reseller_option, reseller_scope
from tenants.models import Role, User
from tenants.users.queries import the_user, users_of
from tenants.users.services import NewUser, add_user, change_user_password, resume_user, suspend_user


@click.group()
def user() -> None:
    """People who log in to a reseller's portal."""


@user.command()
@click.argument("email")
@click.option("--name", default="", help="What the portal calls the person.")
@click.option(
    "--role", type=click.Choice(list(Role), case_sensitive=False), default=Role.OWNER, show_default=True
)
@password_option
@reseller_option
@account_option
@json_option
def create(
    email: str,
    name: str,
    role: Role,
    password: str | None,
    reseller_key: str,
    account_name: str,
    as_json: bool,
) -> None:
    """Add a user to an account; the password is shown once."""
    with reseller_scope(reseller_key) as scope:
        account_id = scope.account(account_name).id
        added = add_user(scope.session, NewUser(account_id, email, role, name, password))
    show_one({"id": added.id, "email": added.email, "password": added.password}, as_json=as_json)


@user.command("list")
@reseller_option
@account_option
@json_option
def list_users(reseller_key: str, account_name: str, as_json: bool) -> None:
    """The users of an account."""
    with reseller_scope(reseller_key) as scope:
        found = users_of(scope.session, scope.account(account_name).id)
        show_many([_row(one) for one in found], as_json=as_json)


@user.command()
@click.argument("email")
@reseller_option
@json_option
def suspend(email: str, reseller_key: str, as_json: bool) -> None:
    """Refuse the login and end every session."""
    with reseller_scope(reseller_key) as scope:
        found = the_user(scope.session, email)
        suspend_user(scope.session, found)
    say(f"{found.email} is suspended.", _row(found), as_json=as_json)


@user.command()
@click.argument("email")
@reseller_option
@json_option
def resume(email: str, reseller_key: str, as_json: bool) -> None:
    """Undo a suspension."""
    with reseller_scope(reseller_key) as scope:
        found = the_user(scope.session, email)
        resume_user(scope.session, found)
    say(f"{found.email} is active.", _row(found), as_json=as_json)


@user.command()
@click.argument("email")
@password_option
@reseller_option
@json_option
def password(email: str, password: str | None, reseller_key: str, as_json: bool) -> None:
    """Set a new password and end every session; it is shown once."""
    new = random_text(16) if password is None else password
    with reseller_scope(reseller_key) as scope:
        found = the_user(scope.session, email)
        change_user_password(scope.session, found, new)
    show_one({"email": found.email, "password": new}, as_json=as_json)


def _row(found: User) -> Row:
    return {
        "id": found.id,
        "email": found.email,
        "name": found.name,
        "account_id": found.account_id,
        "role": found.role,
        "state": found.state,
        "created_at": found.created_at,
    }
