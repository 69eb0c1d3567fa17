"""`frankpost smtp-account`: the logins to the relay."""

import click

from platform_core.clock import SystemClock
from platform_core.ids import SmtpAccountId
from platform_core.security import SecretVerifier
from platform_core.settings import settings
from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import ResellerScope, account_option, reseller_option, reseller_scope
from tenants.models import SmtpAccount
from tenants.smtp_accounts.queries import smtp_account_of, smtp_accounts_of
from tenants.smtp_accounts.services import (
    IssuedSecret,
    create_smtp_account,
    delete_smtp_account,
    resume_smtp_account,
    rotate_secret,
    suspend_smtp_account,
)


@click.group("smtp-account")
def smtp_account() -> None:
    """Logins to the relay. A secret is shown once and kept nowhere."""


@smtp_account.command()
@click.argument("name")
@reseller_option
@account_option
@json_option
def create(name: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Make a login; user name and secret are generated, the secret is shown once."""
    with reseller_scope(reseller_key) as scope:
        account_id = scope.account(account_name).id
        issued = create_smtp_account(scope.session, account_id, name, verifier=_verifier())
        scope.session.refresh(issued.smtp_account)
    _show_secret(issued, as_json=as_json)


@smtp_account.command("list")
@reseller_option
@account_option
@json_option
def list_smtp_accounts(reseller_key: str, account_name: str, as_json: bool) -> None:
    """The logins of an account."""
    with reseller_scope(reseller_key) as scope:
        found = smtp_accounts_of(scope.session, scope.account(account_name).id)
        show_many([_row(one) for one in found], as_json=as_json)


@smtp_account.command()
@click.argument("number", metavar="ID", type=int)
@reseller_option
@account_option
@json_option
def suspend(number: int, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Refuse the login."""
    with reseller_scope(reseller_key) as scope:
        found = _find(scope, account_name, number)
        suspend_smtp_account(scope.session, found)
    say(f"{found.user_name} is suspended.", _row(found), as_json=as_json)


@smtp_account.command()
@click.argument("number", metavar="ID", type=int)
@reseller_option
@account_option
@json_option
def resume(number: int, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Undo a suspension."""
    with reseller_scope(reseller_key) as scope:
        found = _find(scope, account_name, number)
        resume_smtp_account(scope.session, found)
    say(f"{found.user_name} is active.", _row(found), as_json=as_json)


@smtp_account.command()
@click.argument("number", metavar="ID", type=int)
@yes_option("The old secret stops working at once. Go on?")
@reseller_option
@account_option
@json_option
def rotate(number: int, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Give the login a new secret, shown once."""
    with reseller_scope(reseller_key) as scope:
        found = _find(scope, account_name, number)
        issued = rotate_secret(scope.session, found, verifier=_verifier(), clock=SystemClock())
    _show_secret(issued, as_json=as_json)


@smtp_account.command()
@click.argument("number", metavar="ID", type=int)
@yes_option("The login goes for good. Go on?")
@reseller_option
@account_option
@json_option
def delete(number: int, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Remove the login for good."""
    with reseller_scope(reseller_key) as scope:
        delete_smtp_account(scope.session, _find(scope, account_name, number))
    say("The SMTP account is gone.", {"id": number, "deleted": True}, as_json=as_json)


def _verifier() -> SecretVerifier:
    return SecretVerifier(settings().secret_key.get_secret_value())


def _find(scope: ResellerScope, account_name: str, number: int) -> SmtpAccount:
    return smtp_account_of(scope.session, scope.account(account_name).id, SmtpAccountId(number))


def _show_secret(issued: IssuedSecret, *, as_json: bool) -> None:
    show_one(_row(issued.smtp_account) | {"secret": issued.secret}, as_json=as_json)


def _row(found: SmtpAccount) -> Row:
    return {
        "id": found.id,
        "account_id": found.account_id,
        "name": found.name,
        "user_name": found.user_name,
        "state": found.state,
        "created_at": found.created_at,
        "rotated_at": found.rotated_at,
        "last_used_at": found.last_used_at,
    }
