"""How many things of a kind an account may have, as its plan says. Whoever makes such a thing asks here first."""

from enum import StrEnum

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from platform_core.errors import LimitReached
from platform_core.ids import AccountId
from tenants.models import Account


class Limit(StrEnum):
    """What is limited; the value is for people."""

    SMTP_ACCOUNTS = "SMTP accounts"
    DOMAINS = "domains"
    API_KEYS = "API keys"
    DEDICATED_IPS = "dedicated IPs"


_COLUMNS = {
    Limit.SMTP_ACCOUNTS: Account.most_smtp_accounts,
    Limit.DOMAINS: Account.most_domains,
    Limit.API_KEYS: Account.most_api_keys,
    Limit.DEDICATED_IPS: Account.most_dedicated_ips,
}


def limit_of(account: Account, limit: Limit) -> int | None:
    """Most of these that the account may have; None for no limit."""
    most: int | None = getattr(account, _COLUMNS[limit].key)
    return most


def require_room(
    session: Session, account_id: AccountId, limit: Limit, *, count: Select[int], more: int = 1
) -> None:
    """Make sure that the account may have `more` of these than `count` finds. Raises LimitReached.

    Locks the account where it has a limit, until the caller's transaction ends: of two at once only one gets the last.
    """
    column = _COLUMNS[limit]
    locked = (
        select(column).where(Account.id == account_id, column.is_not(None)).with_for_update(key_share=True)
    )
    most = session.scalar(locked)
    if most is not None and (session.scalar(count) or 0) + more > most:
        raise LimitReached(limit, most)
