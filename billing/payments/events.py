"""The payment service's events: kept as they come, then applied exactly once, in whatever order; the caller of `keep`
commits, the others commit for themselves.

Once only, because an event's row is locked while it is applied and says afterwards that it was, in one transaction with
what it changed. In any order, because an event about something unknown waits until that is known.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.payments.gateway import PLATFORM, Received
from billing.payments.goods.invoices import keep_platform_invoice
from billing.payments.hearing import NotYet, hear
from billing.payments.models import StripeEvent, StripeRoute
from billing.payments.news import News, read_news
from billing.payments.orders import follow_rentals, standings
from billing.payments.states import SETTLED, EventState
from platform_core.clock import Clock
from platform_core.database import ResellerRef, as_tenant, db
from platform_core.errors import NotFound
from tenants.models import Reseller

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=30)  # as long as Stripe itself lets an event be asked for
MOST_PROBLEM = 500  # characters

log = structlog.get_logger()


class _UnknownEvent(NotFound):
    """It was never kept. What an event is about may be missing, too; that is a fault of its own."""


def keep_event(session: Session, received: Received, *, clock: Clock) -> bool:
    """Write an event down before anything is made of it; False when it is there already."""
    now = clock.now()
    new = insert(StripeEvent).values(
        id=received.id,
        type=received.type,
        account=received.account,
        payload=received.payload,
        happened_at=received.happened_at,
        received_at=now,
        next_at=now,
    )
    written = session.execute(new.on_conflict_do_nothing().returning(StripeEvent.id)).scalar()
    return written is not None


def apply_event(event_id: str, *, clock: Clock) -> EventState:
    """Apply one event, unless that has been done; says how it stands with it now. Raises NotFound.

    Whatever goes wrong is noted with the event, which is tried again later. Needs an application context.
    """
    try:
        with Session(db.engine) as session:
            event = _locked(session, event_id)
            if EventState(event.state) not in SETTLED:
                _apply(session, event, clock)
            state = EventState(event.state)
            session.commit()
            return state
    except _UnknownEvent:
        raise
    except Exception as error:  # the edge of each event: one that can't be applied must not stop the others
        log.exception("payment_event_failed", event_id=event_id)
        _note_failure(event_id, error, clock)
        return EventState.FAILED


def apply_due(*, clock: Clock, limit: int = 200) -> int:
    """Apply every event that is due, oldest first; says how many were looked at."""
    with Session(db.engine) as session:
        query = select(StripeEvent.id).where(StripeEvent.next_at <= clock.now())
        due = list(session.scalars(query.order_by(StripeEvent.happened_at, StripeEvent.id).limit(limit)))
    for event_id in due:
        apply_event(event_id, clock=clock)
    return len(due)


def replay_event(event_id: str, *, clock: Clock) -> EventState:
    """Apply an event although it may have been: what it says is still true, and what came of it is not done twice."""
    with Session(db.engine) as session:
        event = _locked(session, event_id)
        event.state = EventState.RECEIVED
        event.next_at = clock.now()
        session.commit()
    return apply_event(event_id, clock=clock)


def _apply(session: Session, event: StripeEvent, clock: Clock) -> None:
    event.attempts += 1
    said = read_news(event.type, event.payload)
    if said is None:
        return _close(event, EventState.IGNORED, clock)
    reseller = _whose(session, event, said)
    if reseller is None:
        # Somebody else may use the same account at the payment service: what bears none of our marks is not ours.
        return (
            _wait(event, clock)
            if said.references or event.account
            else _close(event, EventState.IGNORED, clock)
        )
    try:
        with _acting_as(session, reseller):
            payment = hear(session, said, seller=event.account, clock=clock)
            rented = standings(session, payment.id) if payment else []
    except NotYet:
        return _wait(event, clock)
    follow_rentals(session, reseller, rented, clock=clock)
    if payment is not None and event.account == PLATFORM:
        keep_platform_invoice(session, payment, clock=clock)
    event.reseller_id = reseller.id
    if event.account == PLATFORM:
        _keep_routes(session, said.references, reseller)
    return _close(event, EventState.APPLIED, clock)


@contextmanager
def _acting_as(session: Session, reseller: ResellerRef) -> Iterator[None]:
    """Inside the reseller for a stretch of the event's own transaction."""
    session.info["reseller"] = reseller
    savepoint = session.begin_nested()
    try:
        with as_tenant(session, reseller):
            yield
        savepoint.commit()
    except BaseException:
        savepoint.rollback()  # which also undoes SET LOCAL: we are the platform again
        raise
    finally:
        del session.info["reseller"]


def _whose(session: Session, event: StripeEvent, said: News) -> ResellerRef | None:
    """A connected account's events are its reseller's, whatever they say themselves; ours name the reseller, or
    something that an earlier one has told whose it is.
    """
    query = select(Reseller)
    if event.account:
        query = query.join(StripeRoute).where(StripeRoute.reference == event.account)
    elif said.reseller:
        query = query.where(Reseller.key == said.reseller)
    else:
        query = query.join(StripeRoute).where(StripeRoute.reference.in_(said.references)).limit(1)
    reseller = session.scalars(query).one_or_none()
    return reseller.ref if reseller else None


def _keep_routes(session: Session, references: tuple[str, ...], reseller: ResellerRef) -> None:
    if references:
        rows = [{"reference": reference, "reseller_id": reseller.id} for reference in sorted(references)]
        session.execute(insert(StripeRoute).values(rows).on_conflict_do_nothing())


def _locked(session: Session, event_id: str) -> StripeEvent:
    event = session.get(StripeEvent, event_id, with_for_update=True)
    if event is None:
        raise _UnknownEvent(f"There is no event {event_id}.")
    return event


def _close(event: StripeEvent, state: EventState, clock: Clock) -> None:
    event.state = state
    event.settled_at = clock.now()
    event.next_at = None
    event.problem = ""


def _wait(event: StripeEvent, clock: Clock) -> None:
    event.state = EventState.WAITING
    event.next_at = _next_try(event, clock)
    event.problem = "About something that no event has told of yet."


def _note_failure(event_id: str, error: Exception, clock: Clock) -> None:
    with Session(db.engine) as session:
        event = _locked(session, event_id)
        event.attempts += 1
        event.state = EventState.FAILED
        event.next_at = _next_try(event, clock)
        event.problem = f"{type(error).__name__}: {error}"[:MOST_PROBLEM]
        session.commit()


def _next_try(event: StripeEvent, clock: Clock) -> datetime | None:
    now = clock.now()
    if now - event.received_at > GIVE_UP_AFTER:
        return None
    doubled: int = 2 ** min(event.attempts - 1, 20)
    return now + min(FIRST_WAIT * doubled, LONGEST_WAIT)
