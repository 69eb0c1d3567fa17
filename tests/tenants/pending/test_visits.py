"""Whom the jobs visit: those of whom the database says that there is something to do, and nobody else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from uuid import uuid4

import pytest
from flask import Flask
from rq.timeouts import JobTimeoutException
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from structlog.testing import capture_logs

from platform_core.database import ResellerRef, db, tenant_session
from tenants.models import Reseller
from tenants.pending.jobs import find_lost
from tenants.pending.kinds import Work
from tenants.pending.queries import Pending, pending
from tenants.pending.services import settle_work
from tenants.pending.visits import visit_active_pending, visit_all, visit_pending
from tenants.resellers.services import CreatedReseller, suspend_reseller
from tests.relay_worker.queue.desk import locked_out, owner_connection

MakeReseller = Callable[..., CreatedReseller]


def ask_for_report(reseller: ResellerRef) -> None:
    """As acceptance does it: the recipient and the row that tells of it, in one transaction."""
    with owner_connection(reseller) as books:
        books.execute(
            "INSERT INTO recipient (message_id, n, account_id, rcpt_to, domain, state, state_at, dsn)"
            " VALUES (platform.first_message_id(now()), 0, 1, 'b@x.example', 'x.example', 'queued', now(), 'NOTIFY=DELAY')"
        )
        books.execute("SELECT note_work('notices')")


def settle_requests(reseller: ResellerRef) -> None:
    with owner_connection(reseller) as books:
        books.execute("UPDATE recipient SET dsn_settled = true")


def found(reseller: ResellerRef) -> list[Pending]:
    db.session.rollback()
    return [one for one in pending(db.session(), Work.NOTICES) if one.reseller == reseller]


def visited() -> list[ResellerRef]:
    seen: list[ResellerRef] = []
    visit_pending(Work.NOTICES, seen.append, failed="failed")
    return seen


def test_who_has_nothing_to_do_is_not_visited(make_reseller: MakeReseller) -> None:
    busy, idle = make_reseller().reseller, make_reseller().reseller
    ask_for_report(busy)
    seen = visited()
    assert busy in seen
    assert idle not in seen


def test_who_has_still_something_to_do_is_visited_again_and_then_no_more(reseller: ResellerRef) -> None:
    ask_for_report(reseller)
    assert [reseller in visited() for _ in range(2)] == [True, True]
    settle_requests(reseller)
    assert [reseller in visited() for _ in range(2)] == [True, False]


def test_however_much_is_noted_one_row_is_left_after_a_visit(reseller: ResellerRef) -> None:
    ask_for_report(reseller)
    with owner_connection(reseller) as books:
        for _ in range(5):
            books.execute("SELECT note_work('notices')")
    (one,) = found(reseller)
    assert len(one.rows) == 6
    visited()
    (one,) = found(reseller)
    assert len(one.rows) == 1


def test_what_comes_during_a_visit_is_not_lost_with_what_was_done(reseller: ResellerRef) -> None:
    """It is in a transaction that began before the visit did, and ends after it."""
    with owner_connection(reseller) as books:
        books.execute("SELECT note_work('notices')")
        with owner_connection(reseller) as earlier:
            earlier.execute("SELECT note_work('notices')")
        (seen,) = found(reseller)
        settle_work(db.session(), seen)
        db.session.commit()
        assert found(reseller) == []
    assert len(found(reseller)) == 1


def test_two_visits_at_once_never_take_away_each_others_last_row(reseller: ResellerRef) -> None:
    """The second began later, has seen what the first has not, and comes to its end first."""
    with owner_connection(reseller) as books:
        books.execute("SELECT note_work('notices')")
    (first,) = found(reseller)
    ask_for_report(reseller)
    (second,) = found(reseller)
    for done in (second, first):
        settle_work(db.session(), done)
        db.session.commit()
    assert reseller in visited()


def test_a_visit_that_ends_during_the_end_of_another_waits_for_it(reseller: ResellerRef, app: Flask) -> None:
    """The first has found nothing left and takes its row away; the second, which has seen more, must not rely on it."""

    def settle(done: Pending) -> None:
        with app.app_context():
            settle_work(db.session(), done)
            db.session.commit()

    with owner_connection(reseller) as books:
        books.execute("SELECT note_work('notices')")
    (first,) = found(reseller)
    with owner_connection() as books, ThreadPoolExecutor(1) as other:
        books.execute("SELECT relay.settle_work('notices', %s, %s)", (reseller.id, list(first.rows)))
        ask_for_report(reseller)
        (second,) = found(reseller)
        assert len(second.rows) == 2
        end = other.submit(settle, second)
        wait([end], timeout=0.3)
        books.commit()
        end.result()
    assert reseller in visited()


def test_a_job_whose_time_is_over_ends(reseller: ResellerRef) -> None:
    def visit(reseller: ResellerRef) -> None:
        raise JobTimeoutException

    with pytest.raises(JobTimeoutException):
        visit_all(visit, failed="visit.failed")


def test_work_of_a_suspended_reseller_waits(reseller: ResellerRef) -> None:
    ask_for_report(reseller)
    suspend_reseller(db.session(), db.session.get_one(Reseller, reseller.id), actor="tests")
    db.session.commit()
    seen: list[ResellerRef] = []
    visit_active_pending(Work.NOTICES, seen.append, failed="failed")
    assert reseller not in seen
    assert len(found(reseller)) == 1


def test_a_visit_that_fails_is_logged_holds_up_nobody_and_is_made_again(make_reseller: MakeReseller) -> None:
    broken, sound = make_reseller().reseller, make_reseller().reseller
    for one in (broken, sound):
        ask_for_report(one)
    seen: list[ResellerRef] = []

    def visit(reseller: ResellerRef) -> None:
        seen.append(reseller)
        if reseller == broken:
            raise ZeroDivisionError

    with capture_logs() as logs:
        visit_pending(Work.NOTICES, visit, failed="visit.failed")
    assert {broken, sound} <= set(seen)
    assert [(line["event"], line["reseller"]) for line in logs] == [("visit.failed", broken.key)]
    assert len(found(broken)) == 1


def test_a_visit_to_all_gets_past_a_fault(make_reseller: MakeReseller) -> None:
    first, second = make_reseller().reseller, make_reseller().reseller
    seen: list[ResellerRef] = []

    def visit(reseller: ResellerRef) -> None:
        if reseller == first:
            raise ZeroDivisionError
        seen.append(reseller)

    visit_all(visit, failed="visit.failed")
    assert second in seen


def test_work_that_nothing_tells_of_is_found_by_the_hourly_look(
    make_reseller: MakeReseller, app: Flask
) -> None:
    lost, stuck = make_reseller().reseller, make_reseller().reseller
    ask_for_report(lost)
    with owner_connection() as books:
        books.execute("DELETE FROM relay.pending_work")
    assert visited() == []
    with locked_out(stuck), capture_logs() as logs:
        find_lost()
    assert lost in visited()
    assert ("pending.found", lost.key) in [(line["event"], line["reseller"]) for line in logs]
    assert ("pending.failed", stuck.key) in [(line["event"], line["reseller"]) for line in logs]


def test_the_hourly_look_finds_nothing_where_all_is_known(reseller: ResellerRef) -> None:
    ask_for_report(reseller)
    with capture_logs() as logs:
        find_lost()
    assert reseller.key not in [line.get("reseller") for line in logs]
    (one,) = found(reseller)
    assert len(one.rows) == 1


def test_who_is_removed_leaves_nothing_to_do(make_reseller: MakeReseller) -> None:
    gone = make_reseller(key=f"gone{uuid4().hex[:8]}").reseller
    ask_for_report(gone)
    with owner_connection() as books:
        books.execute("SELECT platform.drop_tenant(%s)", (gone.key,))
        books.execute("DELETE FROM platform.reseller WHERE id = %s", (gone.id,))
        left = books.execute(
            "SELECT count(*) AS rows FROM relay.pending_work WHERE reseller_id = %s", (gone.id,)
        )
        assert left.fetchone() == {"rows": 0}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM relay.pending_work",
        "INSERT INTO relay.pending_work (kind, reseller_id) VALUES ('notices', 1)",
        "DELETE FROM relay.pending_work",
        "SELECT relay.settle_work('notices', 1, '{1}')",
        "SELECT relay.find_lost_work(1)",
        "SELECT note_work('notices')",
        "SELECT has_work('notices')",
        "SELECT find_lost_holding()",
    ],
)
def test_a_reseller_can_neither_see_nor_change_who_is_visited(reseller: ResellerRef, statement: str) -> None:
    with tenant_session(reseller) as session, pytest.raises(ProgrammingError, match="denied"):
        session.execute(text(statement))
