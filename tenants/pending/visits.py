"""Visiting resellers for a job. One that can't be served is logged, as `failed`, and holds up no other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from rq.timeouts import JobTimeoutException
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef, db
from tenants.models import State
from tenants.pending.kinds import TimelyWork, Work
from tenants.pending.queries import Pending, active_resellers, every_reseller, having_work, pending
from tenants.pending.services import settle_work

Visit = Callable[[ResellerRef], object]
LOOKED_AT_ONCE = 50

log = structlog.get_logger()


def visit_pending(work: Work, visit: Visit, *, failed: str) -> None:
    """Those that have work of this kind, suspended or not."""
    _visit_and_settle(_pending(work), visit, failed)


def visit_active_pending(work: Work, visit: Visit, *, failed: str) -> None:
    """Those that have work of this kind; that of a suspended one waits."""
    _visit_and_settle([one for one in _pending(work) if one.state is State.ACTIVE], visit, failed)


def visit_all(visit: Visit, *, failed: str) -> None:
    """Every reseller, suspended or not. For jobs that seldom run: each visit costs something, and mostly for nothing."""
    with Session(db.engine) as session:
        resellers = every_reseller(session)
    _visit_each(resellers, visit, failed)


def visit_active(visit: Visit, *, failed: str) -> None:
    """The same, but for those that are suspended."""
    with Session(db.engine) as session:
        resellers = active_resellers(session)
    _visit_each(resellers, visit, failed)


def visit_timely(work: TimelyWork, visit: Visit, *, failed: str) -> None:
    """Those that have work of this kind, suspended or not."""
    _visit_each(resellers_with(work), visit, failed)


def resellers_with(work: TimelyWork) -> list[ResellerRef]:
    """Whom `visit_timely` visits. Looks at a few in a transaction: a look holds locks on all their tables."""
    with Session(db.engine) as session:
        resellers = every_reseller(session)
        session.commit()
        found: list[ResellerRef] = []
        for first in range(0, len(resellers), LOOKED_AT_ONCE):
            found += having_work(session, work, resellers[first : first + LOOKED_AT_ONCE])
            session.commit()
    return found


def _pending(work: Work) -> list[Pending]:
    with Session(db.engine) as session:
        return pending(session, work)


def _visit_each(resellers: list[ResellerRef], visit: Visit, failed: str) -> None:
    for reseller in resellers:
        with _held_up_by_no_fault(reseller, failed):
            visit(reseller)


def _visit_and_settle(found: list[Pending], visit: Visit, failed: str) -> None:
    for one in found:
        with _held_up_by_no_fault(one.reseller, failed), Session(db.engine) as session:
            visit(one.reseller)
            settle_work(session, one)
            session.commit()


@contextmanager
def _held_up_by_no_fault(reseller: ResellerRef, failed: str) -> Iterator[None]:
    try:
        yield
    except JobTimeoutException:  # no fault of this reseller's: all the job's time is over
        raise
    except Exception:  # the edge of each visit
        log.exception(failed, reseller=reseller.key)
