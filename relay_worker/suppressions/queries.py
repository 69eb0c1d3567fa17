"""Reads of suppressions, inside a reseller's session."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from platform_core.ids import AccountId
from platform_core.mail.states import SuppressionReason
from relay_worker.models import Suppression
from relay_worker.suppressions.services import fold_address

_EXPORTED_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for: text that the address contains, and a reason."""

    containing: str = ""
    reason: SuppressionReason | None = None


@dataclass(frozen=True, slots=True)
class ListPlace:
    """A place in the list, newest first. Its text is what a link carries."""

    at: datetime
    address: str

    def __str__(self) -> str:
        return f"{self.at.isoformat()} {self.address}"

    @classmethod
    def parse(cls, written: str) -> "ListPlace | None":
        """The place that `written` names; None for anything else."""
        at, _, address = written.partition(" ")
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return None
        return cls(moment, address) if moment.tzinfo and address and "\0" not in address else None


@dataclass(frozen=True, slots=True)
class SuppressionPage:
    """A page of the list; `older` is where the next one begins, None on the last."""

    lines: tuple[Suppression, ...]
    older: ListPlace | None


def suppressions_of(
    session: Session,
    account_id: AccountId,
    wanted: Wanted | None = None,
    *,
    before: ListPlace | None = None,
    limit: int = 100,
) -> SuppressionPage:
    """An account's suppressions from `before` backwards (exclusive), the newest first."""
    query = _of(account_id, wanted or Wanted())
    if before is not None:
        older = Suppression.created_at < before.at
        same = and_(Suppression.created_at == before.at, Suppression.address > before.address)
        query = query.where(or_(older, same))
    query = query.order_by(Suppression.created_at.desc(), Suppression.address).limit(limit + 1)
    found = session.scalars(query).all()
    last = found[limit - 1] if len(found) > limit else None
    return SuppressionPage(tuple(found[:limit]), ListPlace(last.created_at, last.address) if last else None)


def suppression_of(session: Session, account_id: AccountId, address: str) -> Suppression:
    """The suppression of this address. Raises NotFound or InvalidInput."""
    found = session.get(Suppression, (account_id, fold_address(address)))
    if found is None:
        raise NotFound(f"{address} is not suppressed.")
    return found


def every_suppression(
    session: Session, account_id: AccountId, wanted: Wanted | None = None
) -> Iterator[Suppression]:
    """All of them by address, read some thousand at a time, so that a million fit into little memory."""
    last = ""
    while True:
        query = _of(account_id, wanted or Wanted()).where(Suppression.address > last)
        found = session.scalars(query.order_by(Suppression.address).limit(_EXPORTED_AT_ONCE)).all()
        yield from found
        if len(found) < _EXPORTED_AT_ONCE:
            return
        last = found[-1].address
        session.expunge_all()


def _of(account_id: AccountId, wanted: Wanted) -> Select[Suppression]:
    query = select(Suppression).where(Suppression.account_id == account_id)
    if wanted.containing:
        text = wanted.containing.strip().lower()
        query = query.where(Suppression.address.contains(text, autoescape=True))
    if wanted.reason is not None:
        query = query.where(Suppression.reason == wanted.reason)
    return query
