"""Reads of SMTP accounts, inside a reseller's session and one account."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from platform_core.ids import AccountId, SmtpAccountId
from tenants.models import SmtpAccount


def smtp_accounts_of(session: Session, account_id: AccountId) -> list[SmtpAccount]:
    """Every login of an account, by name."""
    query = select(SmtpAccount).where(SmtpAccount.account_id == account_id)
    return list(session.scalars(query.order_by(SmtpAccount.name, SmtpAccount.id)))


def smtp_account_of(session: Session, account_id: AccountId, smtp_account_id: SmtpAccountId) -> SmtpAccount:
    """One login, if it is this account's. Raises NotFound."""
    smtp_account = session.get(SmtpAccount, smtp_account_id)
    if smtp_account is None or smtp_account.account_id != account_id:
        raise NotFound("There is no such SMTP account.")
    return smtp_account
