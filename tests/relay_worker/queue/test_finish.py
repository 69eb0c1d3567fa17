"""What results do: to the queue, to the recipient's state, to the statistics, and when they come late or twice."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from platform_core.clock import SystemClock
from platform_core.mail.states import BounceKind, RecipientState, may_follow
from platform_core.mail.tls import TlsTrust
from relay_worker.queue.door import Verdict
from relay_worker.queue.jobs import record_again
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import Desk, Sender, Worker, end_leases, result
from tests.relay_worker.queue.test_batches import broken

DEFERRED = RecipientState.DEFERRED
RESULTS = (DEFERRED, RecipientState.DELIVERED, RecipientState.BOUNCED, RecipientState.EXPIRED)


def recipient(sender: Sender) -> dict[str, object]:
    [row] = sender.rows("SELECT * FROM recipient WHERE account_id = %(account)s")
    return row


def test_a_delivery_ends_it_and_keeps_what_the_remote_said(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    [claimed] = worker.claim()
    done = replace(result(claimed), tls_trust=TlsTrust.DANE)
    worker.finish(done)
    row = recipient(sender)
    assert (row["state"], row["state_at"], row["attempts"], row["next_at"]) == ("delivered", done.at, 1, None)
    assert (sender.due, sender.stats) == ([], {"accepted": 1, "delivered": 1})
    [event] = sender.rows("SELECT * FROM event WHERE account_id = %(account)s")
    assert (event["kind"], event["reply_text"], event["duration_ms"]) == ("delivered", done.reply_text, 184)
    assert (event["remote_host"], event["tls_version"], event["tls_trust"]) == (
        done.remote_host,
        "TLSv1.3",
        "dane",
    )


def test_a_deferral_goes_back_into_the_queue(desk: Desk, account: OpenAccount, worker: Worker) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    later = SystemClock().now() + timedelta(minutes=10)
    worker.finish(result(worker.claim()[0], DEFERRED, next_at=later))
    assert (recipient(sender)["state"], recipient(sender)["next_at"]) == ("deferred", later)
    [due] = sender.due
    assert (due["ready"], due["lease"], due["next_at"], due["attempts"]) == (False, None, later, 1)


def test_a_recipient_counts_as_deferred_once_however_often_it_was(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    for _ in range(3):
        worker.finish(result(worker.claim()[0], DEFERRED))
        end_leases()
    worker.finish(result(worker.claim()[0]))
    assert sender.stats == {"accepted": 1, "deferred": 1, "delivered": 1}
    assert (recipient(sender)["attempts"], sender.count("event")) == (4, 4)


@pytest.mark.parametrize(
    ("state", "kind", "counted"),
    [
        (RecipientState.BOUNCED, BounceKind.HARD, "bounced_hard"),
        (RecipientState.BOUNCED, BounceKind.SOFT, "bounced_soft"),
        (RecipientState.EXPIRED, BounceKind.SOFT, "expired"),
    ],
)
def test_each_end_has_its_count(
    desk: Desk, account: OpenAccount, worker: Worker, state: RecipientState, kind: BounceKind, counted: str
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    worker.finish(result(worker.claim()[0], state, kind=kind))
    assert sender.stats == {"accepted": 1, counted: 1}
    assert (recipient(sender)["bounce_kind"], sender.due) == (kind, [])


def test_a_hard_bounce_is_suppressed_and_a_soft_one_is_not(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sender = account(plan=9)
    desk.accept(sender.message("Hard@Example.org", "soft@example.org"))
    kinds = {"Hard@Example.org": BounceKind.HARD, "soft@example.org": BounceKind.SOFT}
    worker.finish(*(result(one, RecipientState.BOUNCED, kind=kinds[one.rcpt_to]) for one in worker.claim()))
    assert desk.ingest(sender.message("hard@example.org")) == [Verdict.RECIPIENTS_SUPPRESSED]
    assert desk.ingest(sender.message("soft@example.org")) == [Verdict.ACCEPTED]
    [row] = sender.rows("SELECT address, reason, origin FROM suppression WHERE account_id = %(account)s")
    assert tuple(row.values()) == ("hard@example.org", "hard_bounce", "delivery")


@pytest.mark.parametrize("state", RESULTS)
def test_a_result_recorded_twice_counts_once(
    desk: Desk, account: OpenAccount, worker: Worker, state: RecipientState
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    done = result(worker.claim()[0], state)
    worker.finish(done)
    books = (recipient(sender), sender.stats, sender.due, sender.count("event"))
    worker.finish(done)
    assert (recipient(sender), sender.stats, sender.due, sender.count("event")) == books


def test_the_same_result_twice_in_one_call_counts_once(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    done = result(worker.claim()[0])
    worker.finish(done, done)
    assert sender.stats == {"accepted": 1, "delivered": 1}


def test_a_late_deferral_by_a_former_holder_changes_nothing(
    desk: Desk, account: OpenAccount, worker: Worker, another_worker: Worker
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    late = result(worker.claim()[0], DEFERRED)
    end_leases()
    another_worker.claim()
    books = (recipient(sender), sender.stats, sender.due)
    worker.finish(late)
    assert (recipient(sender), sender.stats, sender.due) == books
    assert sender.count("event") == 1  # but what the remote said is kept


def test_a_late_deferral_does_not_move_the_next_try(
    desk: Desk, account: OpenAccount, worker: Worker, another_worker: Worker
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    now = SystemClock().now()
    late = result(worker.claim()[0], DEFERRED, next_at=now + timedelta(minutes=1))
    end_leases()
    another_worker.finish(result(another_worker.claim()[0], DEFERRED, next_at=now + timedelta(hours=1)))
    worker.finish(late)
    assert recipient(sender)["next_at"] == sender.due[0]["next_at"] == now + timedelta(hours=1)
    assert recipient(sender)["attempts"] == sender.due[0]["attempts"] == 1


def test_a_late_delivery_by_a_former_holder_ends_it(
    desk: Desk, account: OpenAccount, worker: Worker, another_worker: Worker
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    late = result(worker.claim()[0])
    end_leases()
    [again] = another_worker.claim()
    worker.finish(late)
    assert (recipient(sender)["state"], sender.due) == ("delivered", [])
    another_worker.finish(result(again, DEFERRED))
    assert (recipient(sender)["state"], sender.due) == ("delivered", [])
    assert sender.stats == {"accepted": 1, "delivered": 1}


@pytest.mark.parametrize(("current", "following"), list(itertools.product(RecipientState, RESULTS)))
def test_the_database_moves_a_recipient_as_the_table_of_transitions_says(
    desk: Desk, account: OpenAccount, worker: Worker, current: RecipientState, following: RecipientState
) -> None:
    sender = account(plan=1)
    desk.accept(sender.message())
    [claimed] = worker.claim()
    sender.rows(f"UPDATE recipient SET state = '{current}' WHERE account_id = %(account)s RETURNING n")
    worker.finish(result(claimed, following))
    expected = following if may_follow(current, following) else current
    assert recipient(sender)["state"] == expected


def test_results_of_several_resellers_go_in_one_call(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    senders = [account(reseller=n, plan=2) for n in range(3)]
    for sender in senders:
        desk.accept(sender.message("a@example.org", "b@example.net"))
    worker.finish(*map(result, worker.claim()))
    assert [sender.stats for sender in senders] == [{"accepted": 2, "delivered": 2}] * 3


def test_the_hour_of_a_result_is_the_accounts_own(desk: Desk, account: OpenAccount, worker: Worker) -> None:
    sender = account(plan=1, time_zone="Asia/Kathmandu")
    desk.accept(sender.message())
    worker.finish(result(worker.claim()[0]))
    [row] = sender.rows("SELECT hour FROM stats_hour WHERE account_id = %(account)s AND delivered = 1")
    assert row["hour"].minute == 15


def test_results_that_one_reseller_cannot_take_are_set_aside_and_recorded_later(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sick, well = account(plan=1), account(reseller=1, plan=1)
    desk.accept(sick.message(), well.message())
    results = [result(claimed) for claimed in worker.claim()]
    with broken(sick, "event"):
        worker.finish(*results)
        record_again()
        assert (well.stats["delivered"], sick.stats.get("delivered", 0)) == (1, 0)
        assert sick.due == []  # what the remote has taken is not sent again
    record_again()
    assert (recipient(sick)["state"], sick.count("event"), sick.stats["delivered"]) == ("delivered", 1, 1)
    record_again()
    assert sick.stats["delivered"] == 1


def test_a_schema_that_stays_broken_holds_up_no_other_that_was(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sick, mended = account(reseller=0, plan=101), account(reseller=1, plan=1)
    desk.accept(*sick.messages(101), mended.message())
    claimed = worker.claim() + worker.claim()
    with broken(sick, "event"):
        with broken(mended, "event"):
            for one in sorted(claimed, key=lambda one: one.reseller_id):
                worker.finish(result(one))
        record_again()
        assert (mended.stats.get("delivered"), sick.stats.get("delivered")) == (1, None)
    record_again()
    assert sick.stats["delivered"] == 101
