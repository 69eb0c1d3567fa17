"""News about accounts, for the folders above. Sent after the commit, so that whoever hears it finds it in the database."""

from blinker import Signal
from sqlalchemy import event
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef
from tenants.models import Account, AtQuotaEnd

quota_grew = Signal("The account may send more: sent with the reseller, and `account_id`.")


def announce_quota(session: Session, account: Account) -> None:
    """Let `quota_grew` be heard once `session` has committed, where the account may hold mail that waits for it."""
    reseller = session.info.get("reseller")
    if not isinstance(reseller, ResellerRef) or account.at_quota_end != AtQuotaEnd.HOLD:
        return
    account_id = account.id

    @event.listens_for(session, "after_commit", once=True)
    def send(_session: Session) -> None:
        quota_grew.send(reseller, account_id=account_id)
