"""Partitions are there before the mail that goes into them, for every reseller, and nobody waits for their making."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db, schema_of
from platform_core.ids import new_message_id
from relay_worker.queue import partition_jobs
from relay_worker.queue.door import Submission, Verdict
from relay_worker.queue.partition_jobs import Missing, keep_partitions, make_partitions, missing_partitions
from tests.fixtures_database import fresh_reseller
from tests.relay_worker.queue.desk import Desk, Sender, open_account, owner_connection

Books = psycopg.Connection[dict[str, Any]]
OpenSender = Callable[[], Sender]


@pytest.fixture
def new_sender(app: Flask, books: Books) -> OpenSender:
    """A factory: an account of a reseller that was made just now."""
    return lambda: open_account(books, fresh_reseller().reseller, credits=100)


@pytest.fixture
def busy(books: Books) -> Iterator[Books]:
    """Another's connection, inside a transaction."""
    with owner_connection() as connection:
        yield connection
        connection.rollback()


def in_days(sender: Sender, days: float) -> Submission:
    return replace(sender.message(), message_id=new_message_id(SystemClock().now() + timedelta(days=days)))


def missing(*senders: Sender) -> list[Missing]:
    """Of these resellers, one after the other."""
    with Session(db.engine) as session:
        found = missing_partitions(session)
    return [one for sender in senders for one in found if one.key == sender.reseller.key]


def make(partitions: list[Missing], *, seconds: float = 60) -> None:
    make_partitions(partitions, seconds=seconds, clock=SystemClock())


def test_a_new_reseller_takes_mail_for_a_day_at_once(desk: Desk, new_sender: OpenSender) -> None:
    sender = new_sender()
    for days in (0, 0.25, 0.5, 0.75, 0.99):
        desk.accept(in_days(sender, days))


def test_then_for_a_month(desk: Desk, new_sender: OpenSender) -> None:
    sender = new_sender()
    assert Verdict.ACCEPTED not in desk.ingest(in_days(sender, 28))
    make(missing(sender))
    for days in range(29):
        desk.accept(in_days(sender, days))
    assert missing(sender) == []


def test_made_twice_they_are_there_once(new_sender: OpenSender) -> None:
    wanted = missing(new_sender())
    assert wanted
    make(wanted)
    make(wanted)


def test_what_is_needed_first_comes_first_over_all_resellers(new_sender: OpenSender) -> None:
    keys = {new_sender().reseller.key, new_sender().reseller.key}
    with Session(db.engine) as session:
        found = missing_partitions(session)
    assert [one.since for one in found] == sorted(one.since for one in found)
    assert keys <= {one.key for one in found}


def test_a_turn_ends_with_its_time_but_not_before_the_urgent(
    desk: Desk, books: Books, new_sender: OpenSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = new_sender()
    later = missing(sender)
    present = f"event{datetime.now(UTC):_%Y%m}"
    books.execute(f"DROP TABLE {schema_of(sender.reseller.key)}.{present}")
    monkeypatch.setattr(partition_jobs, "TURN_SECONDS", 0.0)
    keep_partitions()
    assert {one.name for one in missing(sender)} == {one.name for one in later}
    make(missing(sender))
    assert missing(sender) == []


def test_a_reseller_who_can_be_given_none_holds_nobody_up(books: Books, new_sender: OpenSender) -> None:
    broken, sound = new_sender(), new_sender()
    schema = schema_of(broken.reseller.key)
    books.execute(f"ALTER TABLE {schema}.message_body RENAME TO mislaid")
    wanted = [one for one in missing(broken, sound) if one.name.startswith("message_body")]
    make(wanted)
    assert [one for one in missing(sound) if one.name.startswith("message_body")] == []
    books.execute(f"ALTER TABLE {schema}.mislaid RENAME TO message_body")
    make(missing(broken))
    assert missing(broken) == []


def test_nobody_who_reads_or_writes_mail_is_waited_for(
    desk: Desk, busy: Books, new_sender: OpenSender
) -> None:
    sender = new_sender()
    busy.execute(f"SET search_path = {schema_of(sender.reseller.key)}")
    busy.execute("LOCK TABLE message, message_body, recipient, event IN ROW EXCLUSIVE MODE")
    make(missing(sender))
    assert missing(sender) == []


def test_nobody_who_sends_waits_for_a_partition_that_is_being_made(
    desk: Desk, busy: Books, new_sender: OpenSender
) -> None:
    sender = new_sender()
    busy.execute("SET ROLE frankpost_owner")
    for one in missing(sender):
        busy.execute("SELECT platform.make_partition(%s, %s)", (one.key, one.name))
    desk.accept(sender.message())
    busy.commit()
    desk.accept(in_days(sender, 28))


@pytest.mark.parametrize("name", ["account", "message", "message_200001", "message_body_209901"])
def test_no_other_table_can_be_made_this_way(reseller: ResellerRef, name: str) -> None:
    with pytest.raises(DBAPIError, match="no partition of the coming month"):
        db.session.execute(
            text("SELECT platform.make_partition(:key, :name)"), {"key": reseller.key, "name": name}
        )
    db.session.rollback()
