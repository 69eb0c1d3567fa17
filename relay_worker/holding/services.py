"""Verbs on held mail, inside a reseller's session; the caller commits.

Each settles a batch and says how many recipients it was; call it again, in a transaction of its own, until that is 0.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.ids import AccountId, MessageId
from platform_core.mail.states import RecipientState

# The account is locked meanwhile, and nothing of it is accepted.
AT_ONCE = 500

_RELEASE = text("SELECT release_held(:account_id, :now, :most)")
_END = text("SELECT end_held(:account_id, CAST(:messages AS uuid[]), :before, :now, :state, :reason, :most)")


def release_held(session: Session, account_id: AccountId, *, clock: Clock) -> int:
    """Queue what cap, plan and credits cover now, oldest first, and pay for it. Locks the account.

    Whoever is suppressed by now is dropped for nothing. Nothing moves while account or reseller is suspended.
    """
    found = session.scalar(_RELEASE, {"account_id": account_id, "now": clock.now(), "most": AT_ONCE})
    return int(found or 0)


def discard_held(
    session: Session,
    account_id: AccountId,
    *,
    clock: Clock,
    reason: str,
    messages: Sequence[MessageId] | None = None,
) -> int:
    """Drop held recipients, of these messages or of all; `reason` is what the history shows. Locks the account."""
    return _end(
        session, account_id, clock.now(), state=RecipientState.DROPPED, reason=reason, messages=messages
    )


def expire_held(session: Session, account_id: AccountId, *, clock: Clock, after: timedelta) -> int:
    """Give up what has been held for longer than `after`. Locks the account."""
    now = clock.now()
    reason = "The account's quota did not cover this message in time."
    return _end(session, account_id, now, state=RecipientState.EXPIRED, reason=reason, before=now - after)


def _end(
    session: Session,
    account_id: AccountId,
    now: datetime,
    *,
    state: RecipientState,
    reason: str,
    messages: Sequence[MessageId] | None = None,
    before: datetime | None = None,
) -> int:
    values = {
        "account_id": account_id,
        "messages": None if messages is None else list(messages),
        "before": before,
        "now": now,
        "state": state,
        "reason": reason,
        "most": AT_ONCE,
    }
    return int(session.scalar(_END, values) or 0)
