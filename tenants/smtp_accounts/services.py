"""Verbs on SMTP accounts, inside a reseller's session; the caller commits. A trigger keeps the relay's routes in step."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.errors import InvalidInput
from platform_core.ids import AccountId
from platform_core.security import SecretVerifier, random_text
from tenants.accounts.limits import Limit, require_room
from tenants.models import SmtpAccount, State

_SECRET_LENGTH = 32  # 158 bits
_USER_NAME_LENGTH = 16  # 79 bits: unique over all resellers without asking


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A login as it is shown once. The secret is kept nowhere in clear."""

    smtp_account: SmtpAccount
    secret: str


def create_smtp_account(
    session: Session, account_id: AccountId, name: str, *, verifier: SecretVerifier
) -> IssuedSecret:
    """Make a login with a generated user name and secret. Raises InvalidInput or LimitReached."""
    if not name.strip() or len(name) > 100:
        raise InvalidInput("name", "The SMTP account needs a name of at most 100 characters.")
    count = select(func.count()).where(SmtpAccount.account_id == account_id)
    require_room(session, account_id, Limit.SMTP_ACCOUNTS, count=count)
    secret = random_text(_SECRET_LENGTH)
    smtp_account = SmtpAccount(
        account_id=account_id,
        name=name.strip(),
        user_name=random_text(_USER_NAME_LENGTH),
        verifier=verifier.verifier(secret),
    )
    session.add(smtp_account)
    session.flush()
    return IssuedSecret(smtp_account, secret)


def rotate_secret(
    session: Session, smtp_account: SmtpAccount, *, verifier: SecretVerifier, clock: Clock
) -> IssuedSecret:
    """Give the login a new secret; the old one fails from the next login on."""
    secret = random_text(_SECRET_LENGTH)
    smtp_account.verifier = verifier.verifier(secret)
    smtp_account.rotated_at = clock.now()
    session.flush()
    return IssuedSecret(smtp_account, secret)


def suspend_smtp_account(session: Session, smtp_account: SmtpAccount) -> None:
    """Refuse the login, and mail of sessions that are logged in already."""
    smtp_account.state = State.SUSPENDED
    session.flush()


def resume_smtp_account(session: Session, smtp_account: SmtpAccount) -> None:
    """Undo a suspension."""
    smtp_account.state = State.ACTIVE
    session.flush()


def delete_smtp_account(session: Session, smtp_account: SmtpAccount) -> None:
    """Remove the login for good; mail it has sent stays."""
    session.delete(smtp_account)
    session.flush()
