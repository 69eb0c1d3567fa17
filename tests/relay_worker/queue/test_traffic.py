"""Rules, the state of lanes, sites and postponement, in the real database."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from platform_core.clock import SystemClock
from platform_core.database import db
from relay_worker.delivery.lanes.sites import lane_of
from relay_worker.queue.postgres_traffic import PostgresTrafficDesk
from relay_worker.queue.traffic_desk import LaneState
from relay_worker.traffic.queries import lanes_held_back
from relay_worker.traffic.rules import RuleBook
from relay_worker.traffic.services import release_lane
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import Desk, Worker, end_leases

EVER = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Books = psycopg.Connection[dict[str, Any]]
MakeState = Callable[..., LaneState]


@pytest.fixture
def traffic(desk: Desk, books: Books) -> PostgresTrafficDesk:
    books.execute("TRUNCATE relay.lane_state, relay.site")
    return PostgresTrafficDesk(desk.pool)


@pytest.fixture
def state() -> MakeState:
    now = SystemClock().now()
    held = LaneState(lane_of("google"), "192.0.2.1", "google", "google", now, 1, reason="421 4.7.28")
    return lambda **changes: replace(held, **changes)


# --- rules ---


def test_the_rules_delivered_with_the_product_are_those_of_the_providers(
    desk: Desk, traffic: PostgresTrafficDesk
) -> None:
    book = RuleBook(desk.run(traffic.rules()))
    limits = {
        host: (rule.name, rule.connections, rule.messages_per_connection, rule.requires_tls)
        for host in ("aspmx.l.google.com", "x.olc.protection.outlook.com", "mx-eu.mail.am0.yahoodns.net")
        if (rule := book.provider_of(host)) is not None
    }
    assert limits == {
        "aspmx.l.google.com": ("google", 5, 50, True),
        "x.olc.protection.outlook.com": ("microsoft", 5, 50, False),
        "mx-eu.mail.am0.yahoodns.net": ("yahoo", 10, 20, False),
    }
    assert (book.default.connections, book.default.connections_per_minute) == (10, 100)


def test_reactions_come_with_their_rules(desk: Desk, traffic: PostgresTrafficDesk) -> None:
    book = RuleBook(desk.run(traffic.rules()))
    yahoo = next(rule for rule in book.rules if rule.name == "yahoo")
    found = book.reaction(yahoo, "421 4.7.0 [TSS04] Messages deferred", throttled=True)
    assert found is not None and found.pause_seconds == 7200
    found = book.reaction(yahoo, "451 you are temporarily deferred", throttled=True)
    assert found is not None and (found.messages_per_minute, found.hold_seconds) == (1, 5400)
    assert book.reaction(yahoo, "451 you are temporarily deferred", throttled=False) is None


# --- states ---


def test_a_state_is_read_as_it_was_kept(desk: Desk, traffic: PostgresTrafficDesk, state: MakeState) -> None:
    kept = state(closed_until=SystemClock().now() + MINUTE, per_minute=1, step=3)
    desk.run(traffic.keep([kept]))
    assert desk.run(traffic.lane_states(EVER)) == [kept]
    assert desk.run(traffic.lane_states(SystemClock().now() + MINUTE)) == []


def test_the_later_word_counts_and_no_closure_gets_shorter(
    desk: Desk, traffic: PostgresTrafficDesk, state: MakeState
) -> None:
    first = state(closed_until=SystemClock().now() + 10 * MINUTE)
    late = replace(first, changed_at=first.changed_at - MINUTE, connections=4)
    newer = replace(first, changed_at=first.changed_at + MINUTE, connections=2, closed_until=None)
    for each in (first, late, newer):
        desk.run(traffic.keep([each]))
    assert desk.run(traffic.lane_states(EVER)) == [replace(newer, closed_until=first.closed_until)]


def test_a_closure_counts_however_late_it_is_told(
    desk: Desk, traffic: PostgresTrafficDesk, state: MakeState
) -> None:
    newer = state(connections=3)
    closed = replace(
        newer, changed_at=newer.changed_at - MINUTE, connections=1, closed_until=SystemClock().now() + MINUTE
    )
    desk.run(traffic.keep([newer]))
    desk.run(traffic.keep([closed]))
    assert desk.run(traffic.lane_states(EVER)) == [replace(newer, closed_until=closed.closed_until)]


def test_staff_see_lanes_held_back_and_release_them(
    desk: Desk, traffic: PostgresTrafficDesk, state: MakeState, app: Flask
) -> None:
    desk.run(traffic.keep([state(), state(source="192.0.2.2", connections=None)]))
    now = SystemClock().now()
    assert [lane.source for lane in lanes_held_back(db.session(), now)] == ["192.0.2.1"]
    release_lane(db.session(), "google", actor="tests", clock=SystemClock())
    db.session.commit()
    assert lanes_held_back(db.session(), now) == []


def test_what_nobody_spoke_of_for_a_day_is_forgotten(
    desk: Desk, traffic: PostgresTrafficDesk, state: MakeState, books: Books
) -> None:
    now = SystemClock().now()
    old = now - timedelta(days=2)
    desk.run(
        traffic.keep([state(changed_at=old), state(source="b", changed_at=old, closed_until=now + MINUTE)])
    )
    books.execute("SELECT relay.forget_traffic()")
    assert [kept.source for kept in desk.run(traffic.lane_states(EVER))] == ["b"]


# --- sites ---


def test_mail_to_a_learnt_domain_is_queued_on_its_sites_lane(
    desk: Desk, traffic: PostgresTrafficDesk, account: OpenAccount
) -> None:
    sender = account(credits=3)
    desk.run(traffic.learn({"one.example": 7, "two.example": 7}))
    desk.accept(
        sender.message("a@one.example"), sender.message("b@two.example"), sender.message("c@three.example")
    )
    assert sorted(row["lane"] == 7 for row in sender.due) == [False, True, True]


def test_a_domain_that_moves_is_learnt_anew(desk: Desk, traffic: PostgresTrafficDesk, books: Books) -> None:
    desk.run(traffic.learn({"one.example": 7}))
    desk.run(traffic.learn({"one.example": 8}))
    assert books.execute("SELECT domain, lane FROM relay.site").fetchall() == [
        {"domain": "one.example", "lane": 8}
    ]


# --- putting back ---


def test_what_is_put_back_is_due_at_its_time_and_has_had_no_attempt(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sender = account(credits=2)
    desk.accept(*sender.messages(2))
    claimed = worker.claim()
    until = [SystemClock().now() + (n + 1) * MINUTE for n in range(2)]
    desk.run(worker.claims.postpone([(one.message_id, one.n) for one in claimed], until))
    assert sorted(row["next_at"] for row in sender.due) == until
    assert {(row["ready"], row["lease"], row["attempts"]) for row in sender.due} == {(False, None, 0)}
    assert worker.claim() == []
    end_leases()
    assert len(worker.claim()) == 2


def test_only_the_holder_can_put_back(
    desk: Desk, account: OpenAccount, worker: Worker, another_worker: Worker
) -> None:
    sender = account(credits=1)
    desk.accept(sender.message())
    (claimed,) = worker.claim()
    later = SystemClock().now() + 10 * MINUTE
    desk.run(another_worker.claims.postpone([(claimed.message_id, claimed.n)], [later]))
    (row,) = sender.due
    assert row["lease"] is not None and row["next_at"] < later
