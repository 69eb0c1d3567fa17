"""The book of transport security in the real database: policies that stay, and counts that add up."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from platform_core.clock import SystemClock
from platform_core.database import db
from relay_worker.delivery.tls.jobs import KEPT_FOR, forget_old
from relay_worker.queue.postgres_tls import PostgresTlsBook
from relay_worker.queue.tls_book import KeptPolicy, PolicyType, TlsCount
from relay_worker.reports.tls_reports import Reporter, tls_counts, tls_report
from tests.relay_worker.queue.desk import Desk

EVER = datetime(1970, 1, 1, tzinfo=UTC)
DAY = date(2026, 11, 2)
LINES = ("version: STSv1", "mode: testing", "mx: *.shop.test", "max_age: 86400")
Books = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def book(desk: Desk, books: Books) -> PostgresTlsBook:
    books.execute("TRUNCATE relay.mta_sts_policy, relay.tls_report")
    return PostgresTlsBook(desk.pool)


def policy(domain: str = "shop.test", *, age: timedelta = timedelta(), **changes: Any) -> KeptPolicy:
    fetched_at = SystemClock().now() - age
    values = {"id": "1", "text": "\n".join(LINES), "expires_at": fetched_at + timedelta(days=1)}
    return KeptPolicy(domain=domain, fetched_at=fetched_at, **(values | changes))


def count(
    mx_host: str = "mx.shop.test", result: str = "success", sessions: int = 1, **changes: Any
) -> TlsCount:
    values = {"day": DAY, "domain": "shop.test", "policy_type": PolicyType.STS, "policy": LINES}
    return TlsCount(mx_host=mx_host, result=result, sessions=sessions, **(values | changes))


def test_a_kept_policy_is_found_as_it_was(desk: Desk, book: PostgresTlsBook) -> None:
    kept = policy()
    desk.run(book.keep(kept))
    assert desk.run(book.policies(EVER)) == [kept]


def test_a_newer_policy_takes_the_place_of_the_older_and_never_the_other_way(
    desk: Desk, book: PostgresTlsBook
) -> None:
    newer = policy(id="2")
    for kept in (policy(age=timedelta(hours=2)), newer, policy(age=timedelta(hours=1))):
        desk.run(book.keep(kept))
    assert desk.run(book.policies(EVER)) == [newer]


def test_only_what_is_new_and_still_holds_is_learnt(desk: Desk, book: PostgresTlsBook) -> None:
    new = policy("new.test")
    for kept in (policy("old.test", age=timedelta(hours=2)), policy("over.test", expires_at=EVER), new):
        desk.run(book.keep(kept))
    assert desk.run(book.policies(new.fetched_at - timedelta(minutes=1))) == [new]


def test_counts_of_several_batches_add_up(desk: Desk, book: PostgresTlsBook, app: Flask) -> None:
    desk.run(book.count([count(sessions=3), count(result="certificate-expired")]))
    desk.run(book.count([count(result="certificate-expired", sessions=2), count("mx2.shop.test")]))
    found = {(row.mx_host, row.result): row.sessions for row in tls_counts(db.session(), DAY)}
    assert found == {
        ("mx.shop.test", "success"): 3,
        ("mx.shop.test", "certificate-expired"): 3,
        ("mx2.shop.test", "success"): 1,
    }
    assert tls_counts(db.session(), DAY + timedelta(days=1)) == []


def test_a_report_tells_a_domain_about_its_day(desk: Desk, book: PostgresTlsBook, app: Flask) -> None:
    desk.run(
        book.count(
            [
                count(sessions=9),
                count(result="certificate-expired", sessions=2),
                count("", "sts-policy-fetch-error", policy=()),
                count("mx.other.test", domain="other.test"),
            ]
        )
    )
    counts = tls_counts(db.session(), DAY)
    report = json.loads(tls_report(counts, "shop.test", DAY, Reporter("Agency", "tls@agency.test")))
    assert report["date-range"] == {
        "start-datetime": "2026-11-02T00:00:00Z",
        "end-datetime": "2026-11-02T23:59:59Z",
    }
    (told,) = report["policies"]
    assert told["policy"] == {
        "policy-type": "sts",
        "policy-string": list(LINES),
        "policy-domain": "shop.test",
        "mx-host": ["*.shop.test"],
    }
    assert told["summary"] == {"total-successful-session-count": 9, "total-failure-session-count": 3}
    assert {"result-type": "sts-policy-fetch-error", "failed-session-count": 1} in told["failure-details"]


def test_old_counts_and_policies_that_are_over_are_forgotten(
    desk: Desk, book: PostgresTlsBook, books: Books, app: Flask
) -> None:
    today = SystemClock().now().date()
    desk.run(book.count([count(day=today), count(day=today - KEPT_FOR - timedelta(days=1))]))
    desk.run(book.keep(policy("over.test", expires_at=EVER)))
    desk.run(book.keep(policy("shop.test")))
    forget_old()
    days = books.execute("SELECT day FROM relay.tls_report").fetchall()
    domains = books.execute("SELECT domain FROM relay.mta_sts_policy").fetchall()
    assert (days, domains) == ([{"day": today}], [{"domain": "shop.test"}])
