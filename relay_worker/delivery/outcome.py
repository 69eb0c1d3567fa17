"""What a remote's answer means for the recipient: delivered, deferred, bounced or expired."""

from datetime import datetime

from platform_core.mail.states import BounceKind, RecipientState
from relay_worker.bounces.classes import HARD_CLASSES, OutcomeClass
from relay_worker.bounces.classify import classify
from relay_worker.bounces.throttle import rate_hint
from relay_worker.delivery.retry import RetrySchedule
from relay_worker.delivery.transaction import INTERNAL_FAULT, Answer
from relay_worker.queue.claims import Claimed, Result


def judge(recipient: Claimed, answer: Answer, now: datetime, schedule: RetrySchedule) -> Result:
    """The result of one attempt. Anything but a 2xx or a 5xx defers, as long as there is time."""
    if 200 <= answer.reply.code < 300:
        why = OutcomeClass.HANDED_ON if answer.reports and recipient.dsn else ""
        return _result(recipient, answer, now, RecipientState.DELIVERED, why=why)
    why = outcome_class(answer)
    if answer.reply.permanent:
        return _result(recipient, answer, now, RecipientState.BOUNCED, why=why, kind=bounce_kind(answer))
    hint = rate_hint(answer.reply.text)
    next_at = schedule.next_at(recipient.attempts, now, recipient.expires_at, hint)
    if next_at is None:
        return _result(recipient, answer, now, RecipientState.EXPIRED, why=why, kind=BounceKind.SOFT)
    return _result(recipient, answer, now, RecipientState.DEFERRED, why=why, next_at=next_at)


def bounce_kind(answer: Answer) -> BounceKind:
    """Hard when the reply says that this address will never take mail; soft in all doubt, since hard suppresses."""
    hard = answer.reply.permanent and outcome_class(answer) in HARD_CLASSES
    return BounceKind.HARD if hard else BounceKind.SOFT


def outcome_class(answer: Answer) -> OutcomeClass:
    """Why the remote answered like this. A reply for several recipients at once can't say that one of them is gone."""
    if answer.reply is INTERNAL_FAULT.reply:
        return OutcomeClass.INTERNAL
    reply = answer.reply
    found = classify(reply.code, reply.enhanced, reply.text, stage=answer.stage)
    return OutcomeClass.RECIPIENT_REFUSED if answer.shared > 1 and found in HARD_CLASSES else found


def _result(
    recipient: Claimed,
    answer: Answer,
    now: datetime,
    state: RecipientState,
    *,
    why: str = "",
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
        outcome_class=why,
        source_address=answer.source_address,
        tls_trust=answer.tls_trust,
    )
