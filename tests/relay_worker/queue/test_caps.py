"""Periods of plans, caps of days and minutes, and the cap on all customers together, as acceptance keeps them."""

from collections import Counter
from datetime import timedelta

import pytest

from billing.caps.queries import caps_of, customers_used
from billing.caps.services import NewCaps, cap_account, cap_customers
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import InvalidInput
from relay_worker.holding.services import release_held
from relay_worker.queue.door import Verdict
from tenants.models import Account
from tenants.resellers.queries import reseller_by_id
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import NOON, Desk, Sender
from tests.relay_worker.queue.test_concurrency import Ingest, deadlocks, ingest_everywhere

__all__ = ["ingest_everywhere"]  # the fixture
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def cap(sender: Sender, *, daily: int | None = None, per_minute: int | None = None) -> None:
    with tenant_session(sender.reseller) as session:
        caps = NewCaps(None, daily, per_minute)
        cap_account(session, session.get_one(Account, sender.account_id), caps, clock=StoppedClock(NOON))
        session.commit()


def cap_all(reseller: ResellerRef, most: int | None) -> None:
    found = reseller_by_id(db.session(), reseller.id)
    cap_customers(db.session(), found, most, clock=StoppedClock(NOON), actor="tests")
    db.session.commit()


def verdicts(desk: Desk, sender: Sender, count: int, **at: object) -> Counter[Verdict]:
    """Of so many messages to one recipient, in a call each."""
    return Counter(verdict for one in sender.messages(count) for verdict in desk.ingest(one, **at))  # type: ignore[arg-type]


# --- periods ---


def test_included_mail_counts_by_the_plans_period_and_not_by_the_month(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(plan=3)
    start, end = NOON - timedelta(days=20), NOON + timedelta(days=10)
    sender.change("account", period_start=start, period_end=end, next_quota=3)
    assert verdicts(desk, sender, 2, at=start + SECOND) == {Verdict.ACCEPTED: 2}
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 1, Verdict.CREDITS_EXHAUSTED: 1}
    assert verdicts(desk, sender, 1, at=end - SECOND) == {Verdict.CREDITS_EXHAUSTED: 1}
    months = sender.rows(
        "SELECT month::text, accepted FROM account_month WHERE account_id = %(account)s ORDER BY 1"
    )
    assert [(row["month"], row["accepted"]) for row in months] == [("2026-10-01", 2), ("2026-11-01", 1)]


def test_the_next_period_begins_at_its_instant_however_late_the_renewal(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(plan=1)
    end = NOON + timedelta(hours=1)
    sender.change("account", period_start=NOON - timedelta(days=9), period_end=end, next_quota=2)
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 1, Verdict.CREDITS_EXHAUSTED: 1}
    assert verdicts(desk, sender, 3, at=end) == {Verdict.ACCEPTED: 2, Verdict.CREDITS_EXHAUSTED: 1}
    # The renewal comes, and finds what was sent meanwhile.
    sender.change("account", plan_quota=2, period_start=end, period_end=end + timedelta(days=30))
    assert verdicts(desk, sender, 1, at=end + SECOND) == {Verdict.CREDITS_EXHAUSTED: 1}


def test_a_cap_counts_the_month_whatever_periods_begin_in_it(desk: Desk, account: OpenAccount) -> None:
    sender = account(plan=100, cap=3)
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 2}
    sender.change("account", period_start=NOON, period_end=NOON + timedelta(days=30), next_quota=0)
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 1, Verdict.CAP_REACHED: 1}


# --- days and minutes ---


def test_a_daily_cap_ends_the_day_and_the_next_begins_where_the_account_is(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(credits=100, time_zone="Europe/Vienna")
    cap(sender, daily=3)
    assert verdicts(desk, sender, 5) == {Verdict.ACCEPTED: 3, Verdict.DAILY_CAP_REACHED: 2}
    midnight = NOON.replace(hour=23)
    assert verdicts(desk, sender, 1, at=midnight - SECOND) == {Verdict.DAILY_CAP_REACHED: 1}
    assert verdicts(desk, sender, 4, at=midnight) == {Verdict.ACCEPTED: 3, Verdict.DAILY_CAP_REACHED: 1}


def test_a_daily_cap_counts_what_was_sent_before_it_was_set(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=100)
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 2}
    cap(sender, daily=3)
    with tenant_session(sender.reseller) as session:
        caps = caps_of(session, session.get_one(Account, sender.account_id), clock=StoppedClock(NOON))
    assert (caps.daily, caps.used_today) == (3, 2)
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 1, Verdict.DAILY_CAP_REACHED: 1}


def test_mail_over_a_daily_cap_is_held_where_the_account_wants_that(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=100)
    cap(sender, daily=1)
    sender.change("account", at_quota_end="hold")
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 1, Verdict.HELD: 1}


@pytest.mark.parametrize("rate", [1, 7, 60, 1000])
def test_a_rate_lets_a_minutes_worth_through_and_earns_the_rest_with_time(
    desk: Desk, account: OpenAccount, rate: int
) -> None:
    sender = account(credits=5000)
    cap(sender, per_minute=rate)
    everybody = tuple(f"{n}@example.org" for n in range(rate))
    assert desk.ingest(sender.message(*everybody)) == [Verdict.ACCEPTED]
    assert verdicts(desk, sender, 1) == {Verdict.RATE_REACHED: 1}
    earned = -(-60_000_000 // rate)  # microseconds, rounded up
    early, soon = (NOON + timedelta(microseconds=earned - wait) for wait in (1, 0))
    assert verdicts(desk, sender, 1, at=early) == {Verdict.RATE_REACHED: 1}
    assert verdicts(desk, sender, 2, at=soon) == {Verdict.ACCEPTED: 1, Verdict.RATE_REACHED: 1}
    assert desk.ingest(sender.message(*everybody), at=soon + 60 * SECOND) == [Verdict.ACCEPTED]


def test_a_message_larger_than_the_rate_goes_once_and_is_waited_for_afterwards(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(credits=100)
    cap(sender, per_minute=2)
    assert desk.ingest(sender.message("a@b.example", "b@b.example", "c@b.example", "d@b.example")) == [
        Verdict.ACCEPTED
    ]
    assert verdicts(desk, sender, 1, at=NOON + 60 * SECOND) == {Verdict.RATE_REACHED: 1}
    assert verdicts(desk, sender, 1, at=NOON + 90 * SECOND) == {Verdict.ACCEPTED: 1}


def test_what_comes_too_fast_is_never_held(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=100)
    cap(sender, per_minute=1)
    sender.change("account", at_quota_end="hold")
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 1, Verdict.RATE_REACHED: 1}


def test_a_change_of_caps_counts_from_the_next_message(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=100)
    cap(sender, daily=1, per_minute=1)
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 1, Verdict.DAILY_CAP_REACHED: 1}
    cap(sender)
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 2}


@pytest.mark.parametrize("wrong", [NewCaps(None, -1, None), NewCaps(None, None, 0), NewCaps(-1, None, None)])
def test_caps_that_make_no_sense_are_refused(account: OpenAccount, wrong: NewCaps) -> None:
    sender = account()
    with tenant_session(sender.reseller) as session, pytest.raises(InvalidInput):
        cap_account(session, session.get_one(Account, sender.account_id), wrong, clock=StoppedClock(NOON))


# --- all customers together ---


@pytest.fixture
def agency(app: object, resellers: list[ResellerRef], account: OpenAccount) -> ResellerRef:
    """The third reseller, with room for 100 more recipients of all its customers together."""
    reseller = resellers[2]
    cap_all(reseller, 10**9)
    with tenant_session(reseller) as session:
        cap_all(reseller, customers_used(session, clock=StoppedClock(NOON)) + 100)
    return reseller


@pytest.fixture(autouse=True)
def uncapped(app: object, resellers: list[ResellerRef]) -> object:
    yield
    cap_all(resellers[2], None)


@pytest.mark.parametrize("round", range(3))
def test_customers_together_never_overshoot_their_cap_over_several_processes(
    desk: Desk, agency: ResellerRef, account: OpenAccount, ingest_everywhere: Ingest, round: int
) -> None:
    senders = [account(reseller=2, credits=1000) for _ in range(4)]
    before = deadlocks(desk)
    batches = [[senders[n % 4].message()] for n in range(140)]
    batches += [[one.message() for one in senders[:: 1 if n % 2 else -1]] for n in range(5)]
    found = ingest_everywhere(batches)
    assert found == {Verdict.ACCEPTED: 100, Verdict.CAP_REACHED: 60}
    assert (sum(one.used for one in senders), deadlocks(desk)) == (100, before)


def test_what_customers_sent_before_counts_and_other_resellers_dont(
    desk: Desk, agency: ResellerRef, account: OpenAccount
) -> None:
    one, stranger = account(reseller=2, credits=200), account(reseller=0, credits=200)
    cap_all(agency, None)
    assert verdicts(desk, one, 2) == {Verdict.ACCEPTED: 2}
    cap_all(agency, 0)
    assert verdicts(desk, one, 1) == {Verdict.CAP_REACHED: 1}
    assert verdicts(desk, stranger, 1) == {Verdict.ACCEPTED: 1}
    with tenant_session(agency) as session:
        used = customers_used(session, clock=StoppedClock(NOON))
    cap_all(agency, used + 1)
    assert verdicts(desk, one, 2) == {Verdict.ACCEPTED: 1, Verdict.CAP_REACHED: 1}


@pytest.mark.parametrize("round", range(3))
def test_100_senders_at_once_get_exactly_the_100_of_a_cap(
    desk: Desk, account: OpenAccount, ingest_everywhere: Ingest, round: int
) -> None:
    sender = account(credits=1000, cap=100)
    cap_daily = 90 + round * 10  # below, at, and then never reached
    with tenant_session(sender.reseller) as session:
        found = session.get_one(Account, sender.account_id)
        cap_account(session, found, NewCaps(100, cap_daily, None), clock=StoppedClock(NOON))
        session.commit()
    verdict = ingest_everywhere([[one] for one in sender.messages(150)])
    assert verdict[Verdict.ACCEPTED] == sender.used == min(cap_daily, 100)


# --- what comes later ---


def test_held_mail_that_is_let_go_counts_for_the_day_and_for_all_customers(
    desk: Desk, agency: ResellerRef, account: OpenAccount
) -> None:
    sender = account(reseller=2, credits=100)
    cap(sender, daily=1)
    sender.change("account", at_quota_end="hold")
    assert verdicts(desk, sender, 4) == {Verdict.ACCEPTED: 1, Verdict.HELD: 3}
    cap(sender, daily=3)
    with tenant_session(agency) as session:
        before = customers_used(session, clock=StoppedClock(NOON))
        assert release_held(session, sender.account_id, clock=StoppedClock(NOON)) == 2
        session.commit()
        assert customers_used(session, clock=StoppedClock(NOON)) == before + 2
    assert (sender.used, sender.count("held")) == (3, 1)


def test_what_is_given_back_makes_room_in_its_period_and_for_all_customers(
    desk: Desk, agency: ResellerRef, account: OpenAccount
) -> None:
    sender = account(reseller=2, plan=2)
    sender.change("account", period_start=NOON - 9 * DAY, period_end=NOON + 21 * DAY, next_quota=2)
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 2}
    with tenant_session(agency) as session:
        before = customers_used(session, clock=StoppedClock(NOON))
    sender.rows(
        f"SELECT uncount(a, ARRAY['{NOON}'::timestamptz], ARRAY[NULL::bigint])::text FROM account a"
        " WHERE id = %(account)s"
    )
    with tenant_session(agency) as session:
        assert customers_used(session, clock=StoppedClock(NOON)) == before - 1
    assert verdicts(desk, sender, 2) == {Verdict.ACCEPTED: 1, Verdict.CREDITS_EXHAUSTED: 1}
