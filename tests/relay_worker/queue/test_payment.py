"""Who pays for a recipient: the plan, then lots by oldest expiry; caps and months; nothing beyond them."""

from datetime import UTC, datetime, timedelta

import pytest

from relay_worker.queue.door import Verdict
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import NOON, Desk, Sender


def in_days(days: int) -> datetime:
    return NOON + timedelta(days=days)


def payers(sender: Sender) -> list[int | None]:
    """The lot of each recipient, by address; None: the plan; 0: overage."""
    found = sender.rows("SELECT lot_id FROM recipient WHERE account_id = %(account)s ORDER BY rcpt_to")
    return [row["lot_id"] for row in found]


def test_the_plan_pays_first_then_the_lots_by_oldest_expiry(desk: Desk, account: OpenAccount) -> None:
    sender = account(plan=2)
    late, soon = sender.grant(5, expires_at=in_days(90)), sender.grant(2, expires_at=in_days(30))
    for n in range(5):
        desk.accept(sender.message(f"{n}@example.org"))
    assert payers(sender) == [None, None, soon, soon, late]
    assert sender.lots == {soon: 0, late: 4}
    assert (sender.used, sender.from_plan, sender.ledger) == (5, 2, 4)


def test_one_message_may_be_paid_by_plan_and_several_lots(desk: Desk, account: OpenAccount) -> None:
    sender = account(plan=1)
    second, first = sender.grant(2, expires_at=in_days(2)), sender.grant(1, expires_at=in_days(1))
    desk.accept(sender.message(*(f"{n}@example.org" for n in range(4))))
    assert payers(sender) == [None, first, second, second]
    assert desk.ingest(sender.message()) == [Verdict.CREDITS_EXHAUSTED]


def test_lots_that_lapse_together_are_used_in_the_order_they_came(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    first, second = sender.grant(1), sender.grant(1)
    desk.accept(sender.message("a@example.org", "b@example.org"))
    assert payers(sender) == [first, second]


def test_the_ledger_says_from_which_lot_each_credit_went(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    first, second = sender.grant(2, expires_at=in_days(1)), sender.grant(3, expires_at=in_days(2))
    desk.accept(*sender.messages(4))
    entries = sender.rows(
        "SELECT lot_id, credits FROM credit_entry WHERE account_id = %(account)s AND kind = 'used' ORDER BY id"
    )
    assert [(row["lot_id"], row["credits"]) for row in entries] == [(first, -2), (second, -2)]


def test_a_lapsed_lot_is_never_spent(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    lapsed = sender.grant(10, expires_at=NOON)
    assert desk.ingest(sender.message()) == [Verdict.CREDITS_EXHAUSTED]
    assert desk.ingest(sender.message(), at=NOON - timedelta(microseconds=1)) == [Verdict.ACCEPTED]
    assert sender.lots == {lapsed: 9}


def test_a_message_is_paid_whole_or_not_at_all(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=2)
    three = sender.message("a@example.org", "b@example.org", "c@example.org")
    assert desk.ingest(three) == [Verdict.CREDITS_EXHAUSTED]
    assert (sender.used, sender.ledger, sender.states) == (0, 2, {})


def test_overage_begins_where_plan_and_credits_end_and_stops_at_its_limit(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(plan=1)
    lot = sender.grant(1)
    sender.change("account", overage_quota=2)
    desk.accept(sender.message(*(f"{n}@example.org" for n in range(3))))
    assert payers(sender) == [None, lot, 0]
    verdicts = desk.ingest(sender.message("a@example.org", "b@example.org"), *sender.messages(2))
    assert verdicts == [Verdict.CREDITS_EXHAUSTED, Verdict.ACCEPTED, Verdict.CREDITS_EXHAUSTED]
    assert (sender.used, sender.from_plan, sender.overage, sender.ledger) == (4, 1, 2, 0)


def test_credits_that_come_during_overage_are_spent_first(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    sender.change("account", overage_quota=10)
    desk.accept(sender.message("1@example.org"))
    lot = sender.grant(1)
    desk.accept(sender.message("2@example.org", "3@example.org"))
    assert payers(sender) == [0, lot, 0]


def test_overage_is_counted_anew_in_each_period(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    turn = NOON + timedelta(hours=1)
    sender.change("account", period_start=in_days(-5), period_end=turn, next_quota=1)
    sender.change("account", overage_quota=1, next_overage_quota=2)
    one, after = sender.message(), sender.messages(4)
    assert desk.ingest(one, sender.message()) == [Verdict.ACCEPTED, Verdict.CREDITS_EXHAUSTED]
    assert desk.ingest(*after, at=turn) == [*[Verdict.ACCEPTED] * 3, Verdict.CREDITS_EXHAUSTED]
    counts = sender.rows("SELECT overage FROM account_month WHERE account_id = %(account)s ORDER BY period")
    assert [row["overage"] for row in counts] == [1, 2]


def test_the_cap_holds_for_overage_too(desk: Desk, account: OpenAccount) -> None:
    sender = account(cap=1)
    sender.change("account", overage_quota=9)
    assert desk.ingest(*sender.messages(2)) == [Verdict.ACCEPTED, Verdict.CAP_REACHED]


def test_the_cap_is_reached_exactly(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=100, cap=3)
    verdicts = desk.ingest(
        *sender.messages(2), sender.message("a@example.org", "b@example.org"), sender.message()
    )
    assert verdicts == [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.CAP_REACHED, Verdict.ACCEPTED]
    assert desk.ingest(sender.message()) == [Verdict.CAP_REACHED]
    assert (sender.used, sender.ledger) == (3, 97)


def test_a_cap_of_0_refuses_and_no_cap_does_not(desk: Desk, account: OpenAccount) -> None:
    assert desk.ingest(account(credits=9, cap=0).message()) == [Verdict.CAP_REACHED]
    assert desk.ingest(account(credits=9, cap=None).message()) == [Verdict.ACCEPTED]


def test_a_cap_lowered_below_what_was_used_refuses(desk: Desk, account: OpenAccount) -> None:
    sender = account(plan=10)
    desk.accept(*sender.messages(3))
    sender.change("account", monthly_cap=2, plan_quota=1)
    assert desk.ingest(sender.message()) == [Verdict.CAP_REACHED]
    sender.change("account", monthly_cap=None)
    assert desk.ingest(sender.message()) == [Verdict.CREDITS_EXHAUSTED]


def test_suppressed_recipients_do_not_count_towards_the_cap(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=5, cap=1)
    sender.suppress("gone@example.org")
    assert desk.ingest(sender.message("gone@example.org", "a@example.org")) == [Verdict.ACCEPTED]
    assert (sender.used, sender.ledger) == (1, 4)


@pytest.mark.parametrize(
    ("time_zone", "midnight"),
    [
        ("UTC", datetime(2026, 11, 1, tzinfo=UTC)),
        ("Europe/Vienna", datetime(2026, 10, 31, 23, tzinfo=UTC)),  # standard time, a week after summer time
        (
            "America/New_York",
            datetime(2026, 11, 1, 4, tzinfo=UTC),
        ),  # still daylight time; it ends two hours later
        ("Asia/Kathmandu", datetime(2026, 10, 31, 18, 15, tzinfo=UTC)),
    ],
)
def test_the_month_begins_at_midnight_where_the_account_is(
    desk: Desk, account: OpenAccount, time_zone: str, midnight: datetime
) -> None:
    sender = account(plan=1, cap=1, time_zone=time_zone)
    just_before = midnight - timedelta(microseconds=1)
    assert desk.ingest(sender.message(), at=just_before) == [Verdict.ACCEPTED]
    assert desk.ingest(sender.message(), at=just_before) == [Verdict.CAP_REACHED]
    assert desk.ingest(sender.message(), at=midnight) == [Verdict.ACCEPTED]
    months = sender.rows(
        "SELECT month::text, accepted FROM account_month WHERE account_id = %(account)s ORDER BY 1"
    )
    assert [(row["month"], row["accepted"]) for row in months] == [("2026-10-01", 1), ("2026-11-01", 1)]


def test_the_hour_of_the_statistics_is_the_accounts_own(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=1, time_zone="Asia/Kathmandu")
    desk.accept(sender.message())
    assert sender.stats == {"accepted": 1}
    assert sender.value("SELECT hour FROM stats_hour WHERE account_id = %(account)s") == datetime(
        2026, 11, 10, 11, 15, tzinfo=UTC
    )
