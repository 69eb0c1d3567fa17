"""Verbs on the age of mail, on a session of the platform's rows; the caller commits.

What is forgotten goes by partition, which costs nothing however much it is: messages, recipients and events by month,
bodies by a quarter of a month. So mail may be kept for up to that much longer, and never shorter.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.database import ResellerRef
from platform_core.errors import InvalidInput
from tenants.models import Reseller
from tenants.resellers.services import record_audit

MOST_DAYS = 3660

_OLD = text("SELECT name FROM platform.old_partitions(:key, :bodies, :before)")
_DROP = text("SELECT platform.drop_partition(:key, :name)")


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that a reseller's mail is kept after its acceptance: `mail` with its history, `bodies` at most as long."""

    mail: int
    bodies: int


def retention_of(reseller: Reseller) -> Retention:
    return Retention(reseller.keep_mail_days, reseller.keep_body_days)


def keep_for(session: Session, reseller: Reseller, wanted: Retention, *, actor: str) -> None:
    """Set how long mail is kept; what is too old by then goes with the next hourly job. Raises InvalidInput."""
    if not 1 <= wanted.mail <= MOST_DAYS or not 1 <= wanted.bodies <= MOST_DAYS:
        raise InvalidInput("days", f"Mail is kept for 1 to {MOST_DAYS} days.")
    if wanted.bodies > wanted.mail:
        raise InvalidInput("bodies", "Bodies can't be kept for longer than the messages they belong to.")
    reseller.keep_mail_days, reseller.keep_body_days = wanted.mail, wanted.bodies
    session.flush()
    record_audit(
        session,
        actor,
        "reseller.retention",
        reseller.ref,
        mail_days=str(wanted.mail),
        body_days=str(wanted.bodies),
    )


def old_partitions(session: Session, reseller: ResellerRef, kept: Retention, *, clock: Clock) -> list[str]:
    """What is wholly older than it is kept: bodies first, since nothing refers to them."""
    now = clock.now()
    return [
        *_names(session, reseller, bodies=True, before=now - timedelta(days=kept.bodies)),
        *_names(session, reseller, bodies=False, before=now - timedelta(days=kept.mail)),
    ]


def forget(session: Session, reseller: ResellerRef, partition: str) -> bool:
    """Drop one of them; False when something of its time is still queued or held: then it waits."""
    return bool(session.scalar(_DROP, {"key": reseller.key, "name": partition}))


def _names(session: Session, reseller: ResellerRef, *, bodies: bool, before: datetime) -> list[str]:
    found = session.scalars(_OLD, {"key": reseller.key, "bodies": bodies, "before": before})
    return [str(name) for name in found]
