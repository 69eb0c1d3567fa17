"""What comes back of mail that was paid for: only what no server was ever asked to take, and that once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from billing.ledger.checks import check_ledger
from billing.ledger.services import refund_untried
from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.mail.states import RecipientState
from platform_core.settings import Settings
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.delivery.suppressed import drop_suppressed
from relay_worker.queue.claims import Claimed, Result
from tenants.models import Account
from tests.relay_worker.queue.desk import (
    NOON,
    Desk,
    Sender,
    end_leases,
    open_account,
    owner_connection,
    result,
)

LATER = NOON + timedelta(days=3)
AFTER_THE_LOT = NOON + timedelta(days=200)  # lots of a Sender lapse 100 days after NOON

Outcome = Callable[[Claimed], Result]


@pytest.fixture
def books(database: Settings) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with owner_connection() as connection:
        connection.autocommit = True
        connection.execute("DELETE FROM relay.due")
        yield connection


@pytest.fixture
def desk(database: Settings) -> Iterator[Desk]:
    desk = Desk(pool_size=1)
    yield desk
    desk.close()


@pytest.fixture
def sender(app: Flask, books: psycopg.Connection[dict[str, Any]], reseller: ResellerRef) -> Sender:
    return open_account(books, reseller, credits=10)


def end(
    state: RecipientState, why: OutcomeClass, *, host: str = "", next_at: datetime | None = None
) -> Outcome:
    """An attempt that came to this."""
    return lambda claimed: replace(
        result(claimed, state, next_at=next_at), outcome_class=why, remote_host=host
    )


NEVER_SENT = end(RecipientState.EXPIRED, OutcomeClass.INTERNAL)
LANE_STAYED_CLOSED = end(RecipientState.EXPIRED, OutcomeClass.EXPIRED)
GAVE_UP_ON_THEM = end(RecipientState.EXPIRED, OutcomeClass.UNREACHABLE, host="mx.example.org")
THEY_SAID_EXPIRED = end(RecipientState.EXPIRED, OutcomeClass.EXPIRED, host="mx.example.org")
OUR_FAULT = end(RecipientState.DEFERRED, OutcomeClass.INTERNAL)
GREYLISTED = end(RecipientState.DEFERRED, OutcomeClass.GREYLISTED, host="mx.example.org")
NOBODY_ANSWERED = end(RecipientState.DEFERRED, OutcomeClass.UNREACHABLE)
BOUNCED = end(RecipientState.BOUNCED, OutcomeClass.NO_SUCH_ADDRESS, host="mx.example.org")
DELIVERED = end(RecipientState.DELIVERED, OutcomeClass.DELIVERED, host="mx.example.org")


def try_all(desk: Desk, *outcomes: Outcome) -> None:
    """One attempt after the other at whatever is due."""
    worker = desk.worker()
    for outcome in outcomes:
        end_leases()
        worker.finish(*map(outcome, worker.claim()))


def refund(sender: Sender, at: datetime = LATER) -> int:
    with tenant_session(sender.reseller) as session:
        account = session.get_one(Account, sender.account_id)
        refunded = refund_untried(session, account, clock=StoppedClock(at))
        session.commit()
    with tenant_session(sender.reseller) as session:
        assert check_ledger(session).sound
    return refunded


@pytest.mark.parametrize(
    "outcomes",
    [(NEVER_SENT,), (OUR_FAULT, NEVER_SENT), (LANE_STAYED_CLOSED,)],
    ids=["a fault of ours", "faults of ours again and again", "a lane that never opened"],
)
def test_what_was_never_tried_comes_back_to_its_lot_once(
    desk: Desk, sender: Sender, outcomes: tuple[Outcome, ...]
) -> None:
    desk.accept(sender.message("a@x.example", "b@x.example"))
    try_all(desk, *outcomes)
    assert (refund(sender), refund(sender)) == (2, 0)
    assert (sender.ledger, list(sender.lots.values()), sender.used) == (10, [10], 0)


@pytest.mark.parametrize(
    "outcomes",
    [
        (DELIVERED,),
        (BOUNCED,),
        (GAVE_UP_ON_THEM,),
        (THEY_SAID_EXPIRED,),
        (GREYLISTED, NEVER_SENT),
        (NOBODY_ANSWERED, LANE_STAYED_CLOSED),
        (OUR_FAULT,),
    ],
)
def test_what_was_tried_or_still_is_does_not_come_back(
    desk: Desk, sender: Sender, outcomes: tuple[Outcome, ...]
) -> None:
    desk.accept(sender.message())
    try_all(desk, *outcomes)
    assert refund(sender) == 0
    assert sender.ledger == 9


def test_a_recipient_that_was_suppressed_while_it_waited_comes_back(desk: Desk, sender: Sender) -> None:
    desk.accept(sender.message())
    try_all(desk, lambda claimed: drop_suppressed(claimed, SystemClock().now()))
    assert refund(sender) == 1
    assert sender.ledger == 10


def test_what_was_dropped_at_acceptance_cost_nothing_and_does_not_come_back(
    desk: Desk, sender: Sender
) -> None:
    sender.suppress("a@x.example")
    desk.accept(sender.message("a@x.example", "b@x.example"))
    assert refund(sender) == 0
    assert sender.ledger == 9


def test_what_ended_while_it_was_held_does_not_come_back(desk: Desk, sender: Sender) -> None:
    sender.change("account", at_quota_end="hold")
    desk.ingest(*sender.messages(12))
    sender.rows("SELECT end_held(%(account)s, NULL, NULL, now(), 'expired', 'held for too long', 100)")
    assert refund(sender) == 0
    assert sender.ledger == 0


def test_a_lot_that_has_lapsed_is_replaced_by_one_of_a_year(desk: Desk, sender: Sender) -> None:
    desk.accept(sender.message(), sender.message())
    try_all(desk, NEVER_SENT)
    [lapsed] = sender.lots
    assert refund(sender, AFTER_THE_LOT) == 2
    [new] = sender.rows(
        f"SELECT credits, remaining, origin, expires_at FROM credit_lot WHERE account_id = %(account)s AND id <> {lapsed}"
    )
    assert (new["credits"], new["remaining"], new["origin"]) == (2, 2, "returned")
    assert new["expires_at"] == AFTER_THE_LOT.replace(year=AFTER_THE_LOT.year + 1)
    assert sender.lots[lapsed] == 8


def test_what_the_plan_has_covered_returns_to_the_plans_count_of_that_month(
    app: Flask, desk: Desk, books: psycopg.Connection[dict[str, Any]], reseller: ResellerRef
) -> None:
    sender = open_account(books, reseller, credits=1, plan=2, cap=3)
    desk.accept(*sender.messages(3))
    try_all(desk, NEVER_SENT)
    assert refund(sender, NOON + timedelta(days=40)) == 3
    assert (sender.from_plan, sender.used, sender.ledger) == (0, 0, 1)
    desk.accept(*sender.messages(3))


def test_what_a_period_has_covered_returns_to_that_period(
    app: Flask, desk: Desk, books: psycopg.Connection[dict[str, Any]], reseller: ResellerRef
) -> None:
    """Mail of two periods within one month, and only that of the first was never tried."""
    sender = open_account(books, reseller, plan=5)
    turn = NOON + timedelta(hours=1)
    sender.change("account", period_start=NOON - timedelta(days=5), period_end=turn, next_quota=5)
    desk.ingest(*sender.messages(2), at=NOON)
    try_all(desk, NEVER_SENT)
    desk.ingest(*sender.messages(3), at=turn)
    assert refund(sender) == 2
    counts = sender.rows(
        "SELECT period, from_plan FROM account_month WHERE account_id = %(account)s ORDER BY 1"
    )
    assert [row["from_plan"] for row in counts] == [0, 3]
    assert counts[1]["period"] == turn


def test_overage_that_was_never_tried_comes_off_the_count_and_makes_no_credit(
    app: Flask, desk: Desk, books: psycopg.Connection[dict[str, Any]], reseller: ResellerRef
) -> None:
    sender = open_account(books, reseller, credits=1)
    sender.change("account", overage_quota=2)
    desk.accept(*sender.messages(3))
    try_all(desk, NEVER_SENT)
    assert (refund(sender), refund(sender)) == (3, 0)
    assert (sender.used, sender.overage, sender.ledger) == (0, 0, 1)
    desk.accept(*sender.messages(3))


def test_mail_of_an_account_that_has_moved_comes_off_the_month_beside(
    app: Flask, desk: Desk, books: psycopg.Connection[dict[str, Any]], reseller: ResellerRef
) -> None:
    """Accepted in the first hour of November in Vienna, which is October in New York."""
    sender = open_account(books, reseller, plan=1, time_zone="Europe/Vienna")
    desk.ingest(sender.message(), at=datetime(2026, 10, 31, 23, 30, tzinfo=UTC))
    sender.change("account", time_zone="America/New_York")
    try_all(desk, NEVER_SENT)
    assert refund(sender) == 1
    assert (sender.used, sender.from_plan) == (0, 0)


def test_the_count_of_all_customers_together_has_room_again(desk: Desk, sender: Sender) -> None:
    sender.rows("INSERT INTO customers_month (month, accepted) VALUES ('2026-11-01', 7) RETURNING month")
    desk.accept(*sender.messages(2))
    try_all(desk, NEVER_SENT)
    assert refund(sender) == 2
    assert sender.value("SELECT accepted FROM customers_month") == 5


def test_two_who_give_back_at_once_give_back_once(desk: Desk, sender: Sender) -> None:
    desk.accept(*sender.messages(5))
    try_all(desk, NEVER_SENT)
    with tenant_session(sender.reseller) as one:
        account = one.get_one(Account, sender.account_id)
        assert refund_untried(one, account, clock=StoppedClock(LATER)) == 5
        with owner_connection(sender.reseller) as other:
            other.execute("SET lock_timeout = '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("SELECT refund_untried(%s, now(), now(), 100)", [sender.account_id])
        one.commit()
    assert refund(sender) == 0
    assert sender.ledger == 10
