"""Verbs on suppressions, inside a reseller's session; the caller commits. Acceptance reads them in the database itself."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.ids import AccountId
from platform_core.mail.addresses import AddressSyntax, parse_address
from platform_core.mail.states import SuppressionReason
from relay_worker.models import Suppression
from relay_worker.suppressions.lists import Line

_TAKE_ALL = text("""
    INSERT INTO suppression (account_id, address, reason, origin, created_at)
    SELECT :account_id, u.address, u.reason, :origin, :at FROM unnest(:addresses, :reasons) AS u (address, reason)
    ORDER BY u.address
    ON CONFLICT DO NOTHING
    RETURNING 1
""").bindparams(bindparam("addresses", type_=ARRAY(Text)), bindparam("reasons", type_=ARRAY(Text)))


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


def suppress_all(
    session: Session, account_id: AccountId, lines: Sequence[Line], *, clock: Clock, origin: str
) -> int:
    """Suppress every address of a list, and say how many were not yet. Those that were keep their reason.

    One statement: all of them or, after a fault, none.
    """
    distinct = {line.address: line.reason for line in reversed(lines)}  # of two lines the first one counts
    taken = session.execute(
        _TAKE_ALL,
        {
            "account_id": account_id,
            "addresses": list(distinct),
            "reasons": [reason.value for reason in distinct.values()],
            "origin": origin,
            "at": clock.now(),
        },
    )
    return len(taken.all())


def lift_suppression(session: Session, account_id: AccountId, address: str) -> None:
    """Send to `address` again from the next message on. Raises NotFound or InvalidInput.

    Who lifts a complaint should have been warned: providers count the next one.
    """
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
