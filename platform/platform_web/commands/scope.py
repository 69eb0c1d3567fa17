"""Where a command works: on the platform's rows, or inside one reseller; it is committed when the block ends well."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.database import OWNER_ROLE, ResellerRef, db, tenant_session
from platform_core.errors import InvalidInput
from platform_core.ids import AccountId, ResellerKey
from platform_core.migrations import owner_engine
from platform_core.settings import settings
from platform_web.commands.output import Command
from platform_web.headless import headless_context
from tenants.accounts.queries import account_by_id, main_account
from tenants.models import Account
from tenants.resellers.queries import reseller_by_key

MAIN = "main"


@dataclass(frozen=True, slots=True)
class ResellerScope:
    """Inside one reseller. `session` sees its rows, `platform` the platform's."""

    reseller: ResellerRef
    session: Session
    platform: Session

    def account(self, name: str) -> Account:
        """The account named on the command line: `main` or an id. Raises NotFound or InvalidInput."""
        if name == MAIN:
            return main_account(self.session)
        if not name.isascii() or not name.isdigit() or len(name) > 18:
            raise InvalidInput("account", f"{name!r} is neither `{MAIN}` nor the id of an account.")
        return account_by_id(self.session, AccountId(int(name)))


@contextmanager
def platform_scope() -> Iterator[Session]:
    """A session on the platform's rows."""
    with headless_context(settings()):
        yield db.session()
        db.session.commit()


@contextmanager
def reseller_scope(key: str) -> Iterator[ResellerScope]:
    """Sessions inside the reseller with this key and on the platform's rows. Raises NotFound."""
    with platform_scope() as platform:
        reseller = reseller_by_key(platform, ResellerKey(key)).ref
        platform.commit()  # so that a slow command holds no transaction of the platform's open
        with tenant_session(reseller) as session:
            yield ResellerScope(reseller, session, platform)
            session.commit()


@contextmanager
def owner_scope() -> Iterator[Session]:
    """A session of the database's owner, who alone may drop a schema."""
    with owner_engine(settings()) as engine, Session(engine) as session:
        session.execute(text(f"SET LOCAL ROLE {OWNER_ROLE}"))
        yield session
        session.commit()


def actor() -> str:
    """Who does it, for the audit log: the user of this machine."""
    try:
        return f"command line: {getpass.getuser()}"
    except (KeyError, OSError):  # a user id without a name, as in containers
        return "command line"


def reseller_option(command: Command) -> Command:
    """Adds --reseller, which arrives as `reseller_key`."""
    return click.option(
        "--reseller", "reseller_key", required=True, metavar="KEY", help="The reseller, by its key."
    )(command)


def account_option(command: Command) -> Command:
    """Adds --account, which arrives as `account_name`."""
    return click.option(
        "--account",
        "account_name",
        default=MAIN,
        show_default=True,
        metavar="ID",
        help="An account of the reseller, by its id; its own is `main`.",
    )(command)


def password_option(command: Command) -> Command:
    """Adds --password-stdin, which arrives as `password`: the first line of standard input, or None to have one made."""
    return click.option(
        "--password-stdin",
        "password",
        is_flag=True,
        callback=_read_password,
        help="Read the password from standard input; otherwise one is generated and shown once.",
    )(command)


def _read_password(_ctx: click.Context, _option: click.Parameter, given: bool) -> str | None:
    if not given:
        return None
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("There is no password on standard input.")
    return password
