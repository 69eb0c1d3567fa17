"""Allotments: what busy accounts may have accepted in advance costs the books exactly what was used of it."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from billing.caps.services import NewCaps, cap_account
from billing.ledger.checks import check_ledger
from billing.ledger.queries import credits_left, lots_of, usage_of
from platform_core.clock import StoppedClock
from platform_core.database import tenant_session
from relay_worker.queue.door import Verdict
from tenants.models import Account
from tests.relay_worker.queue.allotted import MOST, send, settle
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import NOON, Desk, Sender, Worker, owner_connection
from whitelabel.portal.billing.allocation.queries import holdings

PATIENCE = 20.0  # seconds
ALLOTMENT = "SELECT FROM relay.allotment WHERE reseller_id = %s AND account_id = %s"
Books = psycopg.Connection[dict[str, Any]]


def wait_for_a_waiter(books: Books) -> None:
    """Until some batch waits for a row that another has locked."""
    deadline = time.monotonic() + PATIENCE
    while not books.execute(
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%relay.ingest%'"
    ).fetchall():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def sound(sender: Sender) -> bool:
    """Nothing is wrong with this account's books; others of the reseller may be, as other tests want it."""
    with tenant_session(sender.reseller) as session:
        return not [fault for fault in check_ledger(session).faults if fault.account_id == sender.account_id]


def test_who_sends_once_in_a_while_has_nothing_allotted(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=1000)
    for minute in range(3):
        assert send(desk, sender.message(), at=NOON + timedelta(minutes=minute)) == [Verdict.ACCEPTED]
    assert (sender.allotted, sender.used, sum(sender.lots.values())) == ((0, 0), 3, 997)


def test_what_is_allotted_is_out_of_the_books_and_spending_it_leaves_them_alone(
    desk: Desk, busy: Sender
) -> None:
    books = (busy.used, busy.lots, busy.ledger)
    assert books[:2] == (2 + MOST, dict.fromkeys(busy.lots, 1000 - 2 - MOST))
    for message in busy.messages(5):
        assert send(desk, message) == [Verdict.ACCEPTED]
    assert (busy.used, busy.lots, busy.ledger) == books
    assert busy.allotted == (MOST, MOST - 5)
    assert sound(busy)


def test_what_is_allotted_and_not_used_is_shown_as_left(desk: Desk, busy: Sender) -> None:
    send(desk, busy.message())
    with tenant_session(busy.reseller) as session:
        account = session.get_one(Account, busy.account_id)
        usage = usage_of(session, account, clock=StoppedClock(NOON))
        lots = lots_of(session, busy.account_id)
        left = credits_left(session, busy.account_id, NOON)
    assert (usage.used, usage.credits_left) == (3, 997)
    assert (left, [lot.remaining for lot in lots]) == (997, [997])


def test_the_list_of_lots_and_the_balance_agree_whatever_is_allotted_of_them(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(credits=130)
    for sent, message in enumerate(
        (*sender.messages(4), sender.message(*(f"{n}@example.org" for n in range(100)))), 1
    ):
        assert send(desk, message) == [Verdict.ACCEPTED]
        with tenant_session(sender.reseller) as session:
            usage = usage_of(session, session.get_one(Account, sender.account_id), clock=StoppedClock(NOON))
            (lot,) = lots_of(session, sender.account_id)
            (held,) = [one for one in holdings(session, NOON) if one.id == sender.account_id]
        expected = 130 - sent if sent < 5 else 26
        assert (usage.credits_left, lot.remaining, held.credits) == (expected, expected, expected)


def test_what_was_not_used_goes_back_and_what_was_used_is_an_entry(desk: Desk, busy: Sender) -> None:
    send(desk, busy.message("a@example.org", "b@example.org", "c@example.org"))
    settle(busy)
    assert (busy.used, set(busy.lots.values()), busy.ledger) == (5, {995}, 995)
    entries = busy.rows("SELECT credits FROM credit_entry WHERE account_id = %(account)s AND kind = 'used'")
    assert sorted(row["credits"] for row in entries) == [-3, -1, -1]
    assert (busy.stats, sound(busy)) == ({"accepted": 5}, True)


def test_a_plan_is_allotted_from_before_credits_are(desk: Desk, account: OpenAccount) -> None:
    sender = account(plan=200, credits=50)
    for message in sender.messages(6):
        send(desk, message)
    settle(sender)
    assert (sender.used, sender.from_plan, set(sender.lots.values())) == (6, 6, {50})


def test_the_next_allotment_is_larger_as_long_as_the_account_sends(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=100_000)
    sizes = []
    for message in sender.messages(80):
        desk.ingest(message, allotment=1000)
        sizes.append(sender.allotted[0])
    assert list(dict.fromkeys(sizes)) == [0, 64, 256]


def test_to_the_last_credit_each_is_counted(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=100)
    verdicts = Counter(send(desk, message)[0] for message in sender.messages(130))
    assert verdicts == {Verdict.ACCEPTED: 100, Verdict.CREDITS_EXHAUSTED: 30}
    settle(sender)
    assert (sender.used, sender.ledger, set(sender.lots.values()), sound(sender)) == (100, 0, {0}, True)


def test_nobody_is_refused_for_what_is_allotted_and_not_used(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=130)
    for message in sender.messages(2):
        send(desk, message)
    assert sender.allotted == (16, 16)
    large = sender.message(*(f"{n}@example.org" for n in range(128)))
    assert send(desk, large) == [Verdict.ACCEPTED]


def test_a_cap_holds_to_the_last_recipient(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=1000, cap=100)
    verdicts = Counter(send(desk, message)[0] for message in sender.messages(110))
    assert verdicts == {Verdict.ACCEPTED: 100, Verdict.CAP_REACHED: 10}


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"monthly_cap": 2}, Verdict.CAP_REACHED),
        ({"daily_cap": 0}, Verdict.DAILY_CAP_REACHED),
        ({"state": "suspended"}, Verdict.ACCOUNT_SUSPENDED),
    ],
)
def test_a_change_of_what_an_account_may_send_counts_from_the_next_message(
    desk: Desk, busy: Sender, change: dict[str, object], verdict: Verdict
) -> None:
    busy.change("account", **change)
    assert (busy.allotted[1], busy.used) == (0, 2)
    assert send(desk, busy.message()) == [verdict]


def test_a_daily_cap_counts_what_is_only_logged_of_the_day_too(desk: Desk, busy: Sender) -> None:
    send(desk, busy.message("a@example.org", "b@example.org", "c@example.org"))
    with tenant_session(busy.reseller) as session:
        account, caps = session.get_one(Account, busy.account_id), NewCaps(None, daily=6, per_minute=None)
        cap_account(session, account, caps, clock=StoppedClock(NOON))
        session.commit()
    verdicts = [verdict for message in busy.messages(3) for verdict in send(desk, message)]
    assert verdicts == [Verdict.ACCEPTED] + [Verdict.DAILY_CAP_REACHED] * 2


def test_a_suspended_login_spends_nothing_of_it(desk: Desk, busy: Sender) -> None:
    busy.change("smtp_account", state="suspended")
    assert send(desk, busy.message()) == [Verdict.CREDENTIAL_SUSPENDED]
    settle(busy)
    assert busy.used == 2


def test_a_suspended_reseller_spends_nothing_of_it(desk: Desk, busy: Sender, books: Books) -> None:
    suspend = "UPDATE platform.reseller SET state = %s WHERE id = %s"
    books.execute(suspend, ("suspended", busy.reseller.id))
    try:
        assert send(desk, busy.message()) == [Verdict.RESELLER_SUSPENDED]
    finally:
        books.execute(suspend, ("active", busy.reseller.id))
    assert busy.allotted == (MOST, MOST)


def test_a_reseller_suspended_while_a_batch_waits_to_spend_loses_nothing_of_it(
    desk: Desk, busy: Sender, books: Books
) -> None:
    suspend = "UPDATE platform.reseller SET state = %s WHERE id = %s"
    with ThreadPoolExecutor(1) as threads:
        with owner_connection() as another_batch:
            another_batch.execute(f"{ALLOTMENT} FOR UPDATE", (busy.reseller.id, busy.account_id))
            sending = threads.submit(send, desk, busy.message())
            wait_for_a_waiter(books)
            books.execute(suspend, ("suspended", busy.reseller.id))
        try:
            assert sending.result() == [Verdict.RESELLER_SUSPENDED]
        finally:
            books.execute(suspend, ("active", busy.reseller.id))
    assert busy.allotted == (MOST, MOST)


def test_a_cap_on_all_customers_counts_from_the_next_message(desk: Desk, busy: Sender, books: Books) -> None:
    cap = "UPDATE platform.reseller SET customers_cap = %s WHERE id = %s"
    books.execute(cap, (0, busy.reseller.id))
    try:
        assert send(desk, busy.message()) == [Verdict.CAP_REACHED]
    finally:
        books.execute(cap, (None, busy.reseller.id))
        busy.rows("DELETE FROM customers_month RETURNING 1 AS gone")


def test_a_suppressed_recipient_is_dropped_and_costs_nothing(desk: Desk, busy: Sender) -> None:
    busy.suppress("gone@example.org")
    assert send(desk, busy.message("gone@example.org", "here@example.org")) == [Verdict.ACCEPTED]
    assert send(desk, busy.message("gone@example.org")) == [Verdict.RECIPIENTS_SUPPRESSED]
    settle(busy)
    assert (busy.used, busy.states["gone@example.org"], busy.states["here@example.org"]) == (
        3,
        "dropped",
        "queued",
    )


def test_who_changes_an_account_never_waits_in_a_circle_with_a_batch_that_spends(
    desk: Desk, busy: Sender, books: Books
) -> None:
    busy.suppress("gone@example.org")
    with ThreadPoolExecutor(1) as threads:
        with owner_connection(busy.reseller) as change:
            change.execute("SELECT FROM account WHERE id = %s FOR UPDATE", (busy.account_id,))
            sending = threads.submit(send, desk, busy.message("gone@example.org", "here@example.org"))
            wait_for_a_waiter(books)
            time.sleep(1.5)  # after a second Postgres looks whether it is a deadlock, once
            change.execute("UPDATE account SET monthly_cap = 100 WHERE id = %s", (busy.account_id,))
        assert sending.result() == [Verdict.ACCEPTED]
    settle(busy)
    assert (busy.used, busy.allotted, sound(busy)) == (3, (0, 0), True)


def test_it_is_spent_within_its_minute_hour_and_lot_alone(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    lapsing = sender.grant(500, expires_at=NOON + timedelta(seconds=30))
    for message in sender.messages(3):
        send(desk, message)
    later = NOON + timedelta(seconds=30)
    assert send(desk, sender.message(), at=later) == [Verdict.CREDITS_EXHAUSTED]
    settle(sender)
    assert (sender.used, sender.lots[lapsing], sound(sender)) == (3, 497, True)


def test_credits_that_lapse_before_go_first_from_the_next_message(desk: Desk, busy: Sender) -> None:
    sooner = busy.grant(5, expires_at=NOON + timedelta(days=1))
    send(desk, busy.message())
    settle(busy)
    assert busy.lots[sooner] == 4


def test_the_sweep_ends_it_when_the_account_is_quiet(desk: Desk, busy: Sender) -> None:
    busy.books.execute("SELECT relay.end_allotments(%s, 100)", (NOON,))
    assert busy.allotted == (MOST, MOST)  # used at noon, which is not before it
    busy.books.execute("SELECT relay.end_allotments(%s, 100)", (NOON + timedelta(seconds=1),))
    assert (busy.allotted, busy.used) == ((0, 0), 2)


# --- and what is logged reaches the tables ---


def test_a_worker_is_given_the_same_with_and_without_an_allotment(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    more = {
        "envelope_id": "QQ314159",
        "dsn_return": "HDRS",
        "rcpt_dsn": ("NOTIFY=FAILURE ORCPT=rfc822;Mia@example.org", ""),
        "smtputf8": True,
    }
    sender = account(credits=1000)
    for message in sender.messages(2):
        send(desk, message)
    worker.claim()
    plain, allotted = (sender.message("mia@example.org", "tom@example.org", **more) for _ in range(2))
    send(desk, allotted)
    assert sender.allotted == (MOST, MOST - 2)
    desk.accept(plain)
    ours = {message.message_id: [] for message in (plain, allotted)}
    for one in worker.claim():
        ours[one.message_id].append(
            (
                one.n,
                one.rcpt_to,
                one.domain,
                one.mail_from,
                one.header_from,
                one.size,
                one.raw,
                one.smtputf8,
                one.body_8bit,
                one.envelope_id,
                one.dsn_return,
                one.dsn,
            )
        )
    assert sorted(ours[plain.message_id]) == sorted(ours[allotted.message_id]) != []
