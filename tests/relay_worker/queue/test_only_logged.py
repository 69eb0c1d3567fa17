"""Messages that an allotment has paid for and that are not in their reseller's tables yet: nothing is told too early or lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import text

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_core.mail.states import BounceKind, RecipientState
from relay_worker.queue.door import Submission
from relay_worker.queue.jobs import record_again
from relay_worker.queue.pauses import end_pause, pause
from relay_worker.queue.selection import Selection
from relay_worker.queue.tools import START, drop
from tests.relay_worker.queue.allotted import send, settle, settle_log
from tests.relay_worker.queue.desk import NOON, Desk, Sender, Worker, end_leases, result

Books = psycopg.Connection[dict[str, Any]]


def drop_by_staff(message: Submission) -> int:
    """How many of its recipients are dropped."""
    wanted = Selection(reseller_id=message.reseller_id, message_id=message.message_id)
    step = drop(db.session(), wanted, START, reason="A list of spam traps", clock=SystemClock())
    db.session.commit()
    return step.changed


@contextmanager
def mislaid_messages(sender: Sender) -> Iterator[None]:
    """The reseller's schema can take no message meanwhile."""
    schema = f"r_{sender.reseller.key}"
    sender.books.execute(f"ALTER TABLE {schema}.message RENAME TO mislaid")
    try:
        yield
    finally:
        sender.books.execute(f"ALTER TABLE {schema}.mislaid RENAME TO message")


def test_messages_reach_the_tables_before_their_results(desk: Desk, busy: Sender, worker: Worker) -> None:
    worker.claim()
    message = busy.message("mia@example.org", "tom@example.org", subject="Your order")
    send(desk, message)
    assert busy.count("message") == 2
    worker.finish(*(result(one) for one in worker.claim()))
    assert busy.states["mia@example.org"] == busy.states["tom@example.org"] == "delivered"
    row = busy.rows(f"SELECT subject, recipients FROM message WHERE id = '{message.message_id}'")[0]
    assert tuple(row.values()) == ("Your order", 2)
    assert busy.stats == {"accepted": 4, "delivered": 2}


def test_each_recipient_is_told_what_became_of_it_before_it_was_in_the_tables(
    desk: Desk, busy: Sender, worker: Worker
) -> None:
    worker.claim()
    ends = {
        "to@example.org": (RecipientState.DELIVERED, None),
        "later@example.org": (RecipientState.DEFERRED, BounceKind.SOFT),
        "gone@example.org": (RecipientState.BOUNCED, BounceKind.HARD),
        "full@example.org": (RecipientState.BOUNCED, BounceKind.SOFT),
    }
    send(desk, busy.message(*ends, "unheard@example.org"))
    claimed = {one.rcpt_to: one for one in worker.claim()}
    worker.finish(*(result(claimed[to], state, kind=kind) for to, (state, kind) in ends.items()))
    assert {to: busy.states[to] for to in claimed} == {to: state for to, (state, _) in ends.items()} | {
        "unheard@example.org": RecipientState.QUEUED
    }
    assert busy.stats == {"accepted": 7, "delivered": 1, "deferred": 1, "bounced_hard": 1, "bounced_soft": 1}
    assert [
        row["address"] for row in busy.rows("SELECT address FROM suppression WHERE account_id = %(account)s")
    ] == ["gone@example.org"]
    told = busy.rows(
        "SELECT r.rcpt_to, r.attempts, e.kind FROM recipient r LEFT JOIN event e USING (message_id, n)"
        f" WHERE r.message_id = '{claimed['to@example.org'].message_id}'"
    )
    assert {row["rcpt_to"]: (row["attempts"], row["kind"]) for row in told} == {
        to: (1, state) for to, (state, _) in ends.items()
    } | {"unheard@example.org": (0, None)}


def test_a_deferral_and_the_delivery_after_it_are_both_told(desk: Desk, busy: Sender, worker: Worker) -> None:
    worker.claim()
    send(desk, busy.message("mia@example.org"))
    (first,) = worker.claim()
    desk.run(worker.claims.finish([result(first, RecipientState.DEFERRED, at=NOON + timedelta(minutes=1))]))
    end_leases()
    (again,) = [one for one in worker.claim() if one.rcpt_to == "mia@example.org"]
    worker.finish(result(again, at=NOON + timedelta(minutes=5)))
    kinds = busy.rows(f"SELECT kind FROM event WHERE message_id = '{first.message_id}' ORDER BY at")
    assert [row["kind"] for row in kinds] == ["deferred", "delivered"]
    assert busy.value(f"SELECT attempts FROM recipient WHERE message_id = '{first.message_id}'") == 2
    assert (busy.states["mia@example.org"], busy.stats) == (
        "delivered",
        {"accepted": 3, "deferred": 1, "delivered": 1},
    )


def test_an_account_that_keeps_no_bodies_keeps_none_of_what_was_delivered_at_once(
    desk: Desk, busy: Sender, worker: Worker
) -> None:
    worker.claim()
    busy.change("account", keep_bodies=False)
    message = busy.message("mia@example.org", "tom@example.org")
    for one in (busy.message(), message):  # the change has ended the allotment
        send(desk, one)
    worker.finish(*(result(one) for one in worker.claim() if one.message_id == message.message_id))
    assert busy.states["mia@example.org"] == "delivered"
    kept = busy.rows(f"SELECT raw FROM message_body WHERE message_id = '{message.message_id}'")
    assert not [row for row in kept if row["raw"]]


def test_what_a_lost_answer_has_accepted_is_known(desk: Desk, busy: Sender) -> None:
    message = busy.message()
    send(desk, message)
    known = "SELECT verdict FROM relay.known(%s, %s)"
    asked = ([busy.reseller.id] * 2, [message.message_id, busy.message().message_id])
    assert busy.books.execute(known, asked).fetchall() == [{"verdict": "accepted"}]
    settle(busy)
    assert busy.books.execute(known, asked).fetchall() == [{"verdict": "accepted"}]


def test_a_suppression_that_comes_meanwhile_is_seen_by_the_claim(
    desk: Desk, busy: Sender, worker: Worker
) -> None:
    worker.claim()
    send(desk, busy.message("mia@example.org", "tom@example.org"))
    busy.suppress("mia@example.org")
    assert {one.rcpt_to: one.suppressed for one in worker.claim()} == {
        "mia@example.org": True,
        "tom@example.org": False,
    }


def test_a_pause_of_a_domain_finds_what_is_only_logged(desk: Desk, busy: Sender, worker: Worker) -> None:
    worker.claim()
    made = pause(
        db.session(),
        Selection(rcpt_domain="paused.example"),
        reason="looking",
        actor="tests",
        clock=SystemClock(),
    )
    db.session.commit()
    try:
        send(desk, busy.message("mia@paused.example", "tom@example.org"))
        assert [one.rcpt_to for one in worker.claim()] == ["tom@example.org"]
    finally:
        end_pause(db.session(), made.id, actor="tests", clock=SystemClock())
        db.session.commit()
        busy.books.execute("DELETE FROM relay.pause")


def test_what_staff_drop_is_told_even_if_it_was_only_logged(desk: Desk, busy: Sender) -> None:
    message = busy.message("mia@example.org")
    send(desk, message)
    drop_by_staff(message)
    assert (busy.states["mia@example.org"], len(busy.due)) == ("dropped", 2)


def test_what_is_logged_while_staff_drop_is_dropped_all_the_same(desk: Desk, busy: Sender) -> None:
    settle_log(busy)
    db.session.execute(text("SELECT now()"))  # staff's transaction has begun
    message = busy.message("mia@example.org")
    send(desk, message)
    drop_by_staff(message)
    settle_log(busy)
    assert busy.states["mia@example.org"] == "dropped"


def test_what_staff_drop_while_its_message_is_set_aside_is_dropped_once_that_is_recorded(
    desk: Desk, busy: Sender, books: Books
) -> None:
    message = busy.message("mia@example.org")
    send(desk, message)
    with mislaid_messages(busy):
        settle_log(busy)
        assert drop_by_staff(message) == 1
    record_again()
    assert busy.states["mia@example.org"] == "dropped"
    assert busy.value("SELECT sum(discarded)::int FROM stats_hour WHERE account_id = %(account)s") == 1
    assert not books.execute("SELECT FROM relay.unrecorded").fetchall()


def test_what_a_schema_cannot_take_is_recorded_in_its_order_later(
    desk: Desk, busy: Sender, worker: Worker, books: Books
) -> None:
    worker.claim()
    send(desk, busy.message("mia@example.org"))
    with mislaid_messages(busy):
        settle_log(busy)
        (claimed,) = worker.claim()
        worker.finish(result(claimed, RecipientState.DELIVERED))
        record_again()
    assert "mia@example.org" not in busy.states
    record_again()
    assert busy.states["mia@example.org"] == "delivered"
    assert not books.execute("SELECT FROM relay.unrecorded").fetchall()
