"""Unsubscribing by a link, on the platform's session: suppression, history and count are the database's own affair."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.mail.addresses import parse_address
from platform_core.mail.states import EventKind
from relay_worker.inbound.findings import Finding, OurMessage, as_rows
from relay_worker.inbound.marks import Mark
from relay_worker.suppressions.tokens import Subscription

ORIGIN = "link"

_APPLY = text("""
    SELECT relay.apply_feedback(:reseller,
        (SELECT f FROM jsonb_populate_recordset(NULL::relay.feedback, CAST(:found AS jsonb)) f))
""")


def unsubscribe(session: Session, subscription: Subscription, *, at: datetime, client: str) -> None:
    """Send nothing more to this address from this account; twice has the effect of once. The caller commits.

    `client`: the address that the wish came from. It works when the message is forgotten, and does nothing when the
    account is.
    """
    finding = Finding(
        EventKind.UNSUBSCRIBED,
        OurMessage(Mark(subscription.message_id, subscription.n)),
        (parse_address(subscription.address).folded,),
        ORIGIN,
        account_id=subscription.account_id,
    )
    found = as_rows([finding], at=at, remote_address=client)
    session.execute(_APPLY, {"reseller": subscription.reseller_id, "found": found})
