"""What a remote's answer means for the recipient: delivered, deferred, bounced or expired."""

import re
from datetime import datetime

from platform_core.mail.states import BounceKind, RecipientState
from relay_worker.delivery.retry import RetrySchedule
from relay_worker.delivery.transaction import Answer, Stage
from relay_worker.queue.claims import Claimed, Result

# RFC 3463 3.2 and 3.3, RFC 7505 4.1: no such mailbox, no such system, bad syntax, moved away, null MX, disabled.
HARD_ENHANCED = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
HARD_CODES = frozenset({550, 551, 553})
NO_SUCH_USER = re.compile(
    r"no such (?:user|recipient|mailbox|address|person|account)"
    r"|(?:user|recipient|mailbox|address|account)(?: \S+)? (?:is )?(?:unknown|not found|does ?n[o']t exist|does not exist)"
    r"|unknown (?:user|recipient|mailbox|address|account|local)"
    r"|invalid (?:recipient|mailbox)|no mailbox (?:here|by that name)",
    re.IGNORECASE,
)
# What is said before RCPT is about us, our address or our return path, and never about the recipient.
ABOUT_THE_RECIPIENT = frozenset({Stage.ROUTE, Stage.RCPT, Stage.DATA, Stage.FINAL})


def judge(recipient: Claimed, answer: Answer, now: datetime, schedule: RetrySchedule) -> Result:
    """The result of one attempt. Anything but a 2xx or a 5xx defers, as long as there is time."""
    if 200 <= answer.reply.code < 300:
        return _result(recipient, answer, now, RecipientState.DELIVERED)
    if answer.reply.permanent:
        return _result(recipient, answer, now, RecipientState.BOUNCED, kind=bounce_kind(answer))
    next_at = schedule.next_at(recipient.attempts, now, recipient.expires_at)
    if next_at is None:
        return _result(recipient, answer, now, RecipientState.EXPIRED, kind=BounceKind.SOFT)
    return _result(recipient, answer, now, RecipientState.DEFERRED, next_at=next_at)


def bounce_kind(answer: Answer) -> BounceKind:
    """Hard when the reply says that this address will never take mail; soft in all doubt, since hard suppresses."""
    if answer.stage not in ABOUT_THE_RECIPIENT or answer.shared > 1:
        return BounceKind.SOFT
    if answer.reply.enhanced:
        hard = answer.reply.enhanced in HARD_ENHANCED
    else:
        hard = answer.reply.code in HARD_CODES and NO_SUCH_USER.search(answer.reply.text) is not None
    return BounceKind.HARD if hard else BounceKind.SOFT


def _result(
    recipient: Claimed,
    answer: Answer,
    now: datetime,
    state: RecipientState,
    *,
    kind: BounceKind | None = None,
    next_at: datetime | None = None,
) -> Result:
    return Result(
        reseller_id=recipient.reseller_id,
        message_id=recipient.message_id,
        n=recipient.n,
        at=now,
        state=state,
        bounce_kind=kind,
        reply_code=answer.reply.code,
        enhanced_code=answer.reply.enhanced,
        reply_text=answer.reply.text,
        remote_host=answer.remote_host,
        remote_address=answer.remote_address,
        tls_version=answer.tls_version,
        duration_ms=answer.duration_ms,
        next_at=next_at,
    )
