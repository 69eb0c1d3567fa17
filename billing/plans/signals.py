"""News about plans, for the folders above. Sent after the commit, so that whoever hears it finds it in the database."""

from blinker import Signal
from sqlalchemy import event
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef
from tenants.models import Account

plan_changed = Signal(
    "Plan, status or period of an account changed: sent with the reseller, and `account_id`."
)


def announce_plan(session: Session, account: Account) -> None:
    """Let `plan_changed` be heard once `session` has committed."""
    reseller = session.info.get("reseller")
    if not isinstance(reseller, ResellerRef):
        return
    account_id = account.id

    @event.listens_for(session, "after_commit", once=True)
    def send(_session: Session) -> None:
        plan_changed.send(reseller, account_id=account_id)
