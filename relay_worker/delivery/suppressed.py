"""Recipients that were suppressed after their message was accepted: dropped instead of sent to."""

from datetime import datetime

from platform_core.mail.states import RecipientState
from relay_worker.queue.claims import Claimed, Result

OUTCOME = "suppressed"


def drop_suppressed(recipient: Claimed, now: datetime) -> Result:
    """The end of a recipient that nothing was sent to; no server was asked, so none has said anything."""
    return Result(
        reseller_id=recipient.reseller_id,
        message_id=recipient.message_id,
        n=recipient.n,
        at=now,
        state=RecipientState.DROPPED,
        bounce_kind=None,
        reply_code=0,
        enhanced_code="",
        reply_text="",
        remote_host="",
        remote_address="",
        tls_version="",
        duration_ms=0,
        next_at=None,
        outcome_class=OUTCOME,
    )
