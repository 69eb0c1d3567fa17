"""What staff may do to the queue, on a session of the platform's rows; the caller commits.

A verb works on one stretch of the queue; `through_the_queue` goes on from stretch to stretch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.errors import InvalidInput
from relay_worker.queue.selection import Selection

# Recipients of one stretch: what one transaction may have to look at and to lock.
STRETCH = 2000

_SELECTION = (
    "(:reseller_id, :account_id, :sender_domain, :rcpt_domain, :lane, :message_id, :n)::relay.selection"
)
_STRETCH = f"{_SELECTION}, :after, CAST(:after_n AS smallint), :scan"
_RETRY = text(f"SELECT * FROM relay.retry_now({_STRETCH})")  # noqa: S608 - a list of parameters
_DROP = text(f"SELECT * FROM relay.drop_due({_STRETCH}, :now, :reason)")  # noqa: S608 - a list of parameters


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of the queue: by message, then recipient."""

    message_id: UUID
    n: int


START = Place(UUID(int=0), -1)


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one stretch, in recipients. `in_flight` were meant, and are left to the worker that sends them."""

    scanned: int
    changed: int
    in_flight: int
    last: Place | None


Verb = Callable[[Place], Step]


def through_the_queue(session: Session, verb: Verb) -> Iterator[Step]:
    """Have `verb` work on stretch after stretch, each in a transaction of its own, which is committed here."""
    place: Place | None = START
    while place is not None:
        step = verb(place)
        session.commit()
        yield step
        place = step.last


def retry_now(session: Session, wanted: Selection, after: Place = START) -> Step:
    """Make due at once what waits for its next try. What is paused stays paused."""
    return _step(session, _RETRY, wanted, after)


def drop(session: Session, wanted: Selection, after: Place = START, *, reason: str, clock: Clock) -> Step:
    """End what is queued, for good: `reason` is what the customer reads. Raises InvalidInput.

    The credits of what was never tried come back with the upkeep of the ledger.
    """
    if not reason.strip():
        raise InvalidInput("reason", "Say why: the customer reads it.")
    return _step(session, _DROP, wanted, after, now=clock.now(), reason=reason.strip())


def _step(session: Session, statement: TextClause, wanted: Selection, after: Place, **more: object) -> Step:
    names = ("reseller_id", "account_id", "sender_domain", "rcpt_domain", "lane", "message_id", "n")
    values = dict(zip(names, wanted.values(), strict=True))
    place = {"after": after.message_id, "after_n": after.n, "scan": STRETCH}
    row = session.execute(statement, {**values, **place, **more}).one()
    last = Place(row.last_id, row.last_n) if row.scanned == STRETCH else None
    return Step(row.scanned, row.changed, row.in_flight, last)
