"""Pauses: what is meant is set aside at the claim, nothing else is, and all of it comes back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_core.errors import InvalidInput, NotFound
from platform_core.mail.states import RecipientState
from relay_worker.queue.pauses import Pause, active_pauses, end_pause, pause, resume_some
from relay_worker.queue.selection import Selection
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import Desk, Sender, Worker, end_leases, result

CLOCK = SystemClock()


@pytest.fixture(autouse=True)
def no_pauses(books) -> Iterator[None]:
    yield
    books.execute("DELETE FROM relay.pause")


def paused(**wanted: object) -> Pause:
    made = pause(db.session(), Selection(**wanted), reason="looking into it", actor="tests", clock=CLOCK)
    db.session.commit()
    return made


def end(made: Pause) -> None:
    end_pause(db.session(), made.id, actor="tests", clock=CLOCK)
    db.session.commit()


def resume() -> int:
    resumed = 0
    while some := resume_some(db.session(), 2):
        db.session.commit()
        resumed += some
    db.session.commit()
    return resumed


def of_account(sender: Sender) -> dict[str, object]:
    return {"reseller_id": sender.reseller.id, "account_id": sender.account_id}


def addresses(claimed: list) -> set[str]:
    return {one.rcpt_to for one in claimed}


def test_a_paused_account_is_left_alone_and_the_others_are_not(
    desk: Desk, worker: Worker, account: OpenAccount
) -> None:
    one, other = account(credits=5), account(credits=5)
    paused(**of_account(one))
    desk.accept(one.message("a@example.org"), other.message("b@example.org"))
    assert addresses(worker.claim()) == {"b@example.org"}
    assert [(row["ready"], row["lease"]) for row in one.due] == [(False, None)]


@pytest.mark.parametrize("scope", ["reseller", "sender", "destination", "lane"])
def test_each_scope_stops_its_own_mail_and_no_other(
    desk: Desk, worker: Worker, account: OpenAccount, scope: str
) -> None:
    sender, stranger = account(credits=5), account(reseller=1, credits=5)
    meant = sender.message("a@paused.example", header_from="x@stopped.example")
    desk.accept(meant, stranger.message("b@other.example"))
    selections = {
        "reseller": {"reseller_id": sender.reseller.id},
        "sender": {**of_account(sender), "sender_domain": "stopped.example"},
        "destination": {"rcpt_domain": "paused.example"},
        "lane": {"lane": sender.due[0]["lane"]},
    }
    paused(**selections[scope])
    assert addresses(worker.claim()) == {"b@other.example"}


def test_other_domains_of_a_paused_senders_account_go_on(
    desk: Desk, worker: Worker, account: OpenAccount
) -> None:
    sender = account(credits=5)
    paused(**of_account(sender), sender_domain="stopped.example")
    desk.accept(
        sender.message("a@example.org", header_from="x@stopped.example"),
        sender.message("b@example.org", header_from="x@well.example"),
    )
    assert addresses(worker.claim()) == {"b@example.org"}


def test_all_of_it_comes_back_in_batches_oldest_first(
    desk: Desk, worker: Worker, account: OpenAccount
) -> None:
    sender = account(credits=9)
    made = paused(**of_account(sender))
    sent = [sender.message(f"{n}@example.org") for n in range(5)]
    desk.accept(*sent)
    assert worker.claim() == []
    end(made)
    assert resume() == 5
    assert addresses(worker.claim()) == {f"{n}@example.org" for n in range(5)}


def test_a_pause_that_ends_while_a_worker_holds_leases_disturbs_neither(
    desk: Desk, worker: Worker, another_worker: Worker, account: OpenAccount
) -> None:
    sender = account(credits=9)
    desk.accept(sender.message("leased@example.org"))
    (leased,) = worker.claim()
    made = paused(**of_account(sender))
    desk.accept(sender.message("later@example.org"))
    assert another_worker.claim() == []
    end(made)
    assert resume() == 1
    worker.finish(result(leased))
    assert addresses(another_worker.claim()) == {"later@example.org"}
    assert sender.states["leased@example.org"] == "delivered"


def test_deferred_mail_is_set_aside_when_its_time_comes(
    desk: Desk, worker: Worker, account: OpenAccount
) -> None:
    sender = account(credits=9)
    desk.accept(sender.message("a@example.org"))
    (claimed,) = worker.claim()
    worker.finish(result(claimed, RecipientState.DEFERRED))
    made = paused(**of_account(sender))
    end_leases()
    assert worker.claim() == []
    end(made)
    resume()
    (again,) = worker.claim()
    assert again.attempts == 1


def test_a_pause_ends_by_itself_at_its_time(desk: Desk, worker: Worker, account: OpenAccount, books) -> None:
    sender = account(credits=9)
    paused(**of_account(sender))
    desk.accept(sender.message("a@example.org"))
    assert worker.claim() == []
    books.execute("UPDATE relay.pause SET until = now() - interval '1 second'")
    assert active_pauses(db.session()) == []
    assert resume() == 1


def test_the_hours_of_a_pause_do_not_count_against_delivery(
    desk: Desk, worker: Worker, account: OpenAccount, books
) -> None:
    sender = account(credits=9)
    made = paused(**of_account(sender))
    desk.ingest(sender.message("a@example.org"), at=CLOCK.now() - timedelta(hours=70))
    worker.claim()
    books.execute("UPDATE relay.pause SET paused_at = now() - interval '60 hours'")
    end(made)
    resume()
    (claimed,) = worker.claim()
    assert timedelta(hours=9) < CLOCK.now() - claimed.accepted_at < timedelta(hours=11)


def test_what_a_late_claim_sets_aside_after_the_end_comes_back_too(
    desk: Desk, account: OpenAccount, books
) -> None:
    sender = account(credits=9)
    made = paused(**of_account(sender))
    end(made)
    assert resume() == 0
    desk.accept(sender.message("a@example.org"))
    books.execute("UPDATE relay.due SET ready = false, paused_by = %s, next_at = '9999-12-31Z'", (made.id,))
    assert resume() == 1


def test_a_pause_needs_a_scope_and_a_reason_and_ends_once(app) -> None:
    with pytest.raises(InvalidInput):
        paused()
    with pytest.raises(InvalidInput):
        pause(db.session(), Selection(lane=1), reason=" ", actor="tests", clock=CLOCK)
    made = paused(lane=1)
    end(made)
    with pytest.raises(NotFound):
        end(made)
