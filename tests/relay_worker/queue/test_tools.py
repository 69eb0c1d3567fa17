"""The tools of staff: retry, drop, and the figures."""

from collections import Counter

import pytest

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_core.errors import InvalidInput
from platform_core.mail.states import RecipientState
from relay_worker.queue import tools
from relay_worker.queue.figures import queue_figures
from relay_worker.queue.selection import Selection
from relay_worker.queue.tools import drop, retry_now, through_the_queue
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import Desk, Sender, Worker, forget_figures, result


def of(sender: Sender, **more: object) -> Selection:
    return Selection(reseller_id=sender.reseller.id, account_id=sender.account_id, **more)


def dropped(wanted: Selection) -> int:
    session = db.session()
    steps = through_the_queue(
        session,
        lambda place: drop(session, wanted, place, reason="A list of spam traps", clock=SystemClock()),
    )
    return sum(step.changed for step in steps)


def test_what_waits_is_tried_at_once(desk: Desk, worker: Worker, account: OpenAccount) -> None:
    sender = account(credits=5)
    desk.accept(sender.message("a@one.example", "b@two.example"))
    worker.finish(*(result(one, RecipientState.DEFERRED) for one in worker.claim()))
    assert worker.claim() == []
    step = retry_now(db.session(), of(sender, rcpt_domain="two.example"))
    db.session.commit()
    assert step.changed == 1
    assert [one.rcpt_to for one in worker.claim()] == ["b@two.example"]


def test_drop_ends_what_is_meant_and_leaves_what_is_being_sent(
    desk: Desk, worker: Worker, account: OpenAccount
) -> None:
    sender, other = account(credits=5), account(credits=5)
    desk.accept(sender.message("flying@example.org"))
    (flying,) = worker.claim()
    desk.accept(sender.message("a@example.org", "b@example.org"), other.message("c@example.org"))
    assert dropped(of(sender)) == 2
    worker.finish(result(flying))
    assert Counter(sender.states.values()) == {"delivered": 1, "dropped": 2}
    assert other.states == {"c@example.org": "queued"}
    assert (len(sender.due), len(other.due)) == (0, 1)


def test_what_is_dropped_has_its_reason_in_the_history_and_is_counted_apart(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(credits=5)
    desk.accept(sender.message())
    dropped(of(sender))
    event = sender.rows("SELECT kind, outcome_class, reply_text FROM event WHERE account_id = %(account)s")[0]
    assert tuple(event.values()) == ("dropped", "withdrawn", "A list of spam traps")
    assert sender.value("SELECT sum(discarded)::int FROM stats_hour WHERE account_id = %(account)s") == 1
    assert sender.ledger == 4


def test_a_tool_reaches_all_of_a_queue_longer_than_a_stretch(
    desk: Desk, account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "STRETCH", 3)
    sender = account(credits=50)
    desk.accept(*(sender.message(f"{n}@example.org", f"{n}@example.com") for n in range(10)))
    assert dropped(of(sender, rcpt_domain="example.com")) == 10
    assert len(sender.due) == 10


def test_one_recipient_of_one_message_can_be_meant(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=5)
    message = sender.message("a@example.org", "b@example.org")
    desk.accept(message)
    assert dropped(Selection(message_id=message.message_id, n=1)) == 1
    assert sender.states == {"a@example.org": "queued", "b@example.org": "dropped"}


def test_a_selection_of_everything_and_a_drop_without_reason_are_refused(app) -> None:
    with pytest.raises(InvalidInput):
        Selection()
    with pytest.raises(InvalidInput):
        drop(db.session(), Selection(lane=1), reason="", clock=SystemClock())


def test_the_figures_tell_states_resellers_destinations_and_ages(
    desk: Desk, worker: Worker, account: OpenAccount
) -> None:
    one, other = account(credits=9), account(reseller=1, credits=9)
    desk.ingest(one.message("a@one.example", "b@one.example"), at=SystemClock().now())
    worker.claim(1)
    desk.ingest(other.message("c@two.example"), at=SystemClock().now())
    forget_figures()
    figures = queue_figures(db.session())
    assert (figures.total.ready, figures.total.leased, figures.total.recipients) == (2, 1, 3)
    assert {found.reseller_id: found.depth.recipients for found in figures.resellers} == {
        one.reseller.id: 2,
        other.reseller.id: 1,
    }
    assert [(lane.domain, lane.depth.recipients) for lane in figures.lanes] == [
        ("one.example", 2),
        ("two.example", 1),
    ]
    assert [age.depth.recipients for age in figures.ages] == [3]


def test_figures_that_were_dear_are_kept_for_a_while(desk: Desk, account: OpenAccount, books) -> None:
    sender = account(credits=9)
    desk.accept(sender.message())
    forget_figures()
    books.execute(
        """INSERT INTO relay.queue_sample (taken_at, took, figures)
           VALUES (now(), '1 minute', '{"taken_at": "2026-11-01T00:00:00Z", "resellers": [], "lanes": [], "ages": []}')"""
    )
    try:
        assert queue_figures(db.session()).total.recipients == 0
    finally:
        books.execute("DELETE FROM relay.queue_sample")
    assert queue_figures(db.session()).total.recipients == 1
