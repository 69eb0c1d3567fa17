"""Verbs on suppressions, inside a reseller's session; the caller commits. Acceptance reads them in the database itself."""

from enum import StrEnum

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.ids import AccountId
from platform_core.mail.addresses import AddressSyntax, parse_address
from relay_worker.models import Suppression


class SuppressionReason(StrEnum):
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


def suppress(
    session: Session,
    account_id: AccountId,
    address: str,
    *,
    clock: Clock,
    reason: SuppressionReason = SuppressionReason.MANUAL,
    origin: str = "",
) -> Suppression:
    """Send nothing more to `address` from the next message on. Raises InvalidInput, or AlreadyExists.

    `origin` says in a word or two who asked for it.
    """
    suppression = Suppression(
        account_id=account_id,
        address=fold_address(address),
        reason=reason,
        origin=origin,
        created_at=clock.now(),
    )
    try:
        with session.begin_nested():
            session.add(suppression)
    except IntegrityError as error:
        raise AlreadyExists(f"{suppression.address} is suppressed already.") from error
    return suppression


def lift_suppression(session: Session, account_id: AccountId, address: str) -> None:
    """Send to `address` again from the next message on. Raises NotFound or InvalidInput."""
    suppression = session.get(Suppression, (account_id, fold_address(address)))
    if suppression is None:
        raise NotFound(f"{address} is not suppressed.")
    session.delete(suppression)
    session.flush()


def fold_address(text: str) -> str:
    """The form in which acceptance looks an address up. Raises InvalidInput."""
    try:
        return parse_address(text.strip()).folded
    except AddressSyntax as error:
        raise InvalidInput("address", f"{text.strip()[:100]!r} is not an address: {error}") from error
