"""Reads of accounts, inside a reseller's session."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from platform_core.ids import AccountId
from tenants.models import Account, AccountKind


def main_account(session: Session) -> Account:
    """The reseller's own account."""
    return session.scalars(select(Account).where(Account.kind == AccountKind.MAIN)).one()


def account_by_id(session: Session, account_id: AccountId) -> Account:
    """The account with this id. Raises NotFound."""
    account = session.get(Account, account_id)
    if account is None:
        raise NotFound("There is no such account.")
    return account


def sub_accounts(session: Session) -> list[Account]:
    """Every sub-account, by name."""
    return list(
        session.scalars(
            select(Account).where(Account.kind == AccountKind.SUB).order_by(Account.name, Account.id)
        )
    )
