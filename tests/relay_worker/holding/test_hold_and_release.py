"""Mail at the end of quota: held instead of refused, let go when it is covered, paid for exactly once."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from flask import Flask

from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import tenant_session
from relay_worker.holding import jobs
from relay_worker.holding.queries import held_mail
from relay_worker.holding.services import discard_held, expire_held, release_held
from relay_worker.queue.door import Verdict
from tenants.pending.jobs import find_lost
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import NOON, Desk, Sender, Worker, result


def holding(account: OpenAccount, *, room: int = 100, **limits: object) -> Sender:
    """An account that has its mail held."""
    sender = account(**limits)
    sender.change("account", at_quota_end="hold", held_limit=room)
    return sender


def release(sender: Sender, at: datetime = NOON) -> int:
    with tenant_session(sender.reseller) as session:
        released = release_held(session, sender.account_id, clock=StoppedClock(at))
        session.commit()
    return released


def counted(sender: Sender) -> tuple[int, int]:
    """How many are held: by their own list, and by the queue's directory."""
    directory = sender.rows(
        f"SELECT recipients FROM relay.holding WHERE reseller_id = {sender.reseller.id} AND account_id = %(account)s"
    )
    return sender.count("held"), directory[0]["recipients"] if directory else 0


def bytes_held(sender: Sender) -> int:
    directory = sender.rows(
        f"SELECT bytes FROM relay.holding WHERE reseller_id = {sender.reseller.id} AND account_id = %(account)s"
    )
    return directory[0]["bytes"] if directory else 0


def test_beyond_its_bytes_an_account_refuses_what_is_not_covered(desk: Desk, account: OpenAccount) -> None:
    sender, raw = holding(account, cap=0), b"Subject: Hi\r\n\r\n" + b"x" * 985
    sender.change("account", held_bytes=2 * len(raw) + 5)
    large = [sender.message("a@example.org", "b@example.org", raw=raw) for _ in range(3)]
    assert desk.ingest(*large) == [Verdict.HELD, Verdict.HELD, Verdict.CAP_REACHED]
    assert desk.ingest(sender.message(raw=raw)) == [Verdict.CAP_REACHED]
    assert bytes_held(sender) == 2 * len(raw)
    assert desk.ingest(sender.message(raw=b"a:b\r\n")) == [Verdict.HELD]


def test_a_message_counts_once_however_many_recipients_are_held_and_less_as_they_go(
    desk: Desk, account: OpenAccount
) -> None:
    sender, raw = holding(account, credits=1), b"Subject: Hi\r\n\r\n" + b"x" * 285
    desk.ingest(sender.message("a@example.org", "b@example.org", "c@example.org", raw=raw))
    assert bytes_held(sender) == len(raw) == 300
    assert release(sender) == 1
    assert bytes_held(sender) == 200
    with tenant_session(sender.reseller) as session:
        assert discard_held(session, sender.account_id, clock=StoppedClock(NOON), reason="not wanted") == 2
        session.commit()
    assert bytes_held(sender) == 0


def test_what_is_not_covered_is_held_and_costs_nothing(desk: Desk, account: OpenAccount) -> None:
    sender = holding(account, credits=1)
    assert desk.ingest(sender.message("a@example.org", "b@example.org")) == [Verdict.HELD]
    assert sender.states == {"a@example.org": "held", "b@example.org": "held"}
    assert (sender.due, sender.used, sender.ledger, sender.stats) == ([], 0, 1, {})
    assert counted(sender) == (2, 2)


def test_an_account_that_chose_nothing_refuses_as_ever(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=1, cap=0)
    assert desk.ingest(sender.message()) == [Verdict.CAP_REACHED]
    assert sender.states == {}


@pytest.mark.parametrize("limits", [{"cap": 0, "credits": 5}, {"plan": 0}])
def test_cap_and_credits_alike_are_an_end_of_quota(
    desk: Desk, account: OpenAccount, limits: dict[str, int]
) -> None:
    assert desk.ingest(holding(account, **limits).message()) == [Verdict.HELD]


def test_what_comes_while_mail_is_held_waits_behind_it(desk: Desk, account: OpenAccount) -> None:
    sender = holding(account, credits=1)
    verdicts = desk.ingest(sender.message("a@example.org", "b@example.org"), sender.message("c@example.org"))
    assert verdicts == [Verdict.HELD, Verdict.HELD]
    assert desk.ingest(sender.message("d@example.org")) == [Verdict.HELD]
    assert release(sender) == 1
    assert list(sender.states.values()) == ["queued", "held", "held", "held"]


def test_beyond_its_room_an_account_refuses_what_is_not_covered_and_takes_what_is(
    desk: Desk, account: OpenAccount
) -> None:
    sender = holding(account, room=2, credits=1)
    assert desk.ingest(sender.message("a@example.org", "b@example.org")) == [Verdict.HELD]
    assert desk.ingest(sender.message("c@example.org", "d@example.org")) == [Verdict.CREDITS_EXHAUSTED]
    assert desk.ingest(sender.message("e@example.org")) == [Verdict.ACCEPTED]


def test_suppressed_recipients_of_held_mail_are_dropped_at_once_or_when_it_is_let_go(
    desk: Desk, account: OpenAccount
) -> None:
    sender = holding(account)
    sender.suppress("now@example.org")
    desk.ingest(sender.message("now@example.org", "later@example.org", "well@example.org"))
    sender.suppress("later@example.org")
    sender.grant(5)
    assert release(sender) == 2
    assert [sender.states[f"{who}@example.org"] for who in ("now", "later", "well")] == [
        "dropped",
        "dropped",
        "queued",
    ]
    assert (sender.used, sender.ledger) == (1, 4)


def test_released_mail_is_paid_like_accepted_mail_oldest_first(desk: Desk, account: OpenAccount) -> None:
    sender = holding(account, plan=1)
    desk.accept(sender.message("paid@example.org"))
    for name in "abc":
        desk.ingest(sender.message(f"{name}@example.org"))
    late, soon = (
        sender.grant(1, expires_at=NOON + timedelta(days=9)),
        sender.grant(1, expires_at=NOON + timedelta(days=2)),
    )
    assert release(sender) == 2
    assert release(sender) == 0
    assert sender.lots == {late: 0, soon: 0}
    paid = sender.rows("SELECT lot_id FROM recipient WHERE account_id = %(account)s ORDER BY message_id")
    assert [row["lot_id"] for row in paid] == [None, soon, late, None]
    assert (sender.used, sender.ledger, counted(sender)) == (3, 0, (1, 1))
    assert sender.states["c@example.org"] == "held"


def test_a_new_month_lets_mail_go(desk: Desk, account: OpenAccount) -> None:
    sender = holding(account, cap=1, credits=9)
    desk.accept(sender.message())
    assert desk.ingest(sender.message("b@example.org")) == [Verdict.HELD]
    assert release(sender) == 0
    december = NOON.replace(month=12)
    assert release(sender, december) == 1
    assert sender.rows("SELECT month FROM account_month WHERE account_id = %(account)s ORDER BY 1")[-1][
        "month"
    ] == december.date().replace(day=1)


def test_the_job_lets_mail_go_within_its_minute_even_when_nobody_tells_it_to(
    desk: Desk, app: Flask, account: OpenAccount
) -> None:
    sender = holding(account)
    assert desk.ingest(sender.message("a@example.org")) == [Verdict.HELD]
    jobs.release_everywhere()
    assert counted(sender) == (1, 1)
    sender.grant(1, expires_at=SystemClock().now() + timedelta(days=1))
    jobs.release_everywhere()
    assert counted(sender) == (0, 0)
    assert sender.states == {"a@example.org": "queued"}


def test_held_mail_that_the_directory_has_lost_is_found_within_the_hour(
    desk: Desk, app: Flask, account: OpenAccount
) -> None:
    sender = holding(account)
    assert desk.ingest(sender.message("a@example.org", "b@example.org")) == [Verdict.HELD]
    size = bytes_held(sender)
    sender.grant(2, expires_at=SystemClock().now() + timedelta(days=1))
    sender.rows(f"DELETE FROM relay.holding WHERE reseller_id = {sender.reseller.id} RETURNING account_id")
    jobs.release_everywhere()
    assert counted(sender) == (2, 0)
    find_lost()
    assert (counted(sender), bytes_held(sender)) == ((2, 2), size)
    jobs.release_everywhere()
    assert counted(sender) == (0, 0)


def test_released_mail_is_delivered_and_has_all_its_time(
    desk: Desk, worker: Worker, account: OpenAccount
) -> None:
    sender = holding(account)
    desk.ingest(sender.message("a@example.org"))
    sender.grant(1)
    release(sender, NOON + timedelta(days=6))
    (claimed,) = worker.claim()
    assert claimed.accepted_at == NOON + timedelta(days=6)
    worker.finish(result(claimed))
    assert sender.states == {"a@example.org": "delivered"}


def test_nothing_is_let_go_while_the_account_is_suspended(desk: Desk, account: OpenAccount) -> None:
    sender = holding(account)
    desk.ingest(sender.message())
    sender.grant(5)
    sender.change("account", state="suspended")
    assert release(sender) == 0
    assert sender.ledger == 5


def test_held_mail_can_be_looked_at_and_discarded_by_message(desk: Desk, account: OpenAccount) -> None:
    sender = holding(account)
    first, second = sender.message("a@example.org", "b@example.org"), sender.message("c@example.org")
    desk.ingest(first, second)
    with tenant_session(sender.reseller) as session:
        found = held_mail(session, sender.account_id)
        assert {one.message_id: one.recipients for one in found.messages} == {
            first.message_id: 2,
            second.message_id: 1,
        }
        ended = discard_held(
            session,
            sender.account_id,
            clock=StoppedClock(NOON),
            reason="not wanted",
            messages=[first.message_id],
        )
        session.commit()
    assert ended == 2
    assert Counter(sender.states.values()) == {"dropped": 2, "held": 1}
    assert (sender.stats, counted(sender)) == ({"dropped": 2}, (1, 1))


def test_mail_that_was_held_for_too_long_expires(desk: Desk, account: OpenAccount) -> None:
    sender = holding(account)
    desk.ingest(sender.message("a@example.org"))
    desk.ingest(sender.message("b@example.org"), at=NOON + timedelta(days=3))
    with tenant_session(sender.reseller) as session:
        clock = StoppedClock(NOON + timedelta(days=7, seconds=1))
        assert expire_held(session, sender.account_id, clock=clock, after=timedelta(days=7)) == 1
        session.commit()
    assert sender.states == {"a@example.org": "expired", "b@example.org": "held"}
    outcome = "SELECT outcome_class FROM recipient WHERE state = 'expired' AND account_id = %(account)s"
    assert sender.value(outcome) == "quota"


def test_the_history_tells_when_it_was_held_and_let_go(desk: Desk, account: OpenAccount) -> None:
    sender = holding(account)
    desk.ingest(sender.message())
    sender.grant(1)
    release(sender, NOON + timedelta(hours=1))
    events = sender.rows("SELECT kind FROM event WHERE account_id = %(account)s ORDER BY at")
    assert [row["kind"] for row in events] == ["held", "released"]


def test_a_batch_that_was_held_and_whose_answer_was_lost_is_not_held_twice(
    desk: Desk, account: OpenAccount
) -> None:
    sender = holding(account)
    message = sender.message()
    assert desk.ingest(message) == [Verdict.HELD]
    assert desk.ingest(message) == [Verdict.HELD]
    assert counted(sender) == (1, 1)
