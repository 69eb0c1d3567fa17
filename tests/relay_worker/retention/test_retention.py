"""Old mail goes by partition, bodies first, and never what is still queued or held."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import db, schema_of
from platform_core.errors import InvalidInput
from platform_core.ids import new_message_id
from platform_core.mail.states import RecipientState
from relay_worker.queue.door import Submission
from relay_worker.retention.jobs import forget_old_mail_of
from relay_worker.retention.services import Retention, forget, keep_for, retention_of
from tenants.models import Reseller
from tenants.resellers.queries import reseller_by_key
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import Desk, Sender, Worker, result

Books = psycopg.Connection[dict[str, Any]]
# Long ago, in the second quarter of its month.
OLD = datetime(2026, 3, 10, 12, tzinfo=UTC)
OLD_MONTH = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))


@pytest.fixture
def sender(account: OpenAccount, books: Books) -> Iterator[Sender]:
    """An account whose reseller has partitions for the old month, too."""
    made = account(credits=100)
    books.execute("SET ROLE frankpost_owner")
    books.execute("SELECT platform.ensure_partitions(%s, %s, %s)", (schema_of(made.reseller.key), *OLD_MONTH))
    books.execute("RESET ROLE")
    yield made
    books.execute(f"DELETE FROM {schema_of(made.reseller.key)}.held")
    books.execute("DELETE FROM relay.holding")


def old_message(sender: Sender) -> Submission:
    return replace(sender.message(), message_id=new_message_id(OLD))


def reseller_of(sender: Sender) -> Reseller:
    db.session.expire_all()
    return reseller_by_key(db.session(), sender.reseller.key)


def forget_at(sender: Sender, now: datetime) -> list[str]:
    return forget_old_mail_of(reseller_of(sender), StoppedClock(now))


def partitions(sender: Sender) -> set[str]:
    found = sender.rows(
        f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema_of(sender.reseller.key)}' AND tablename ~ '_202603'"
    )
    return {row["tablename"] for row in found}


def test_bodies_go_by_the_quarter_of_a_month_and_the_rest_by_the_month(sender: Sender) -> None:
    at = datetime(2026, 4, 14, tzinfo=UTC)  # 30 days after 15 March
    assert set(forget_at(sender, at)) >= {"message_body_20260301", "message_body_20260308"}
    assert "message_body_20260315" in partitions(sender)
    gone = forget_at(sender, datetime(2026, 7, 5, tzinfo=UTC))
    assert {"message_202603", "recipient_202603", "event_202603", "message_body_20260322"} <= set(gone)
    assert partitions(sender) == set()


def test_nothing_goes_before_its_time(sender: Sender) -> None:
    assert forget_at(sender, datetime(2026, 4, 6, tzinfo=UTC)) == []
    assert len(partitions(sender)) == 7


@pytest.mark.parametrize("state", ["queued", "held"])
def test_what_is_still_queued_or_held_keeps_its_partition(desk: Desk, sender: Sender, state: str) -> None:
    if state == "held":
        sender.change("account", at_quota_end="hold", monthly_cap=0)
    desk.ingest(old_message(sender))
    assert sender.states == {"someone@example.org": state}
    gone = forget_at(sender, SystemClock().now())
    assert gone == ["message_body_20260301", "message_body_20260315", "message_body_20260322"]
    assert partitions(sender) == {
        "message_202603",
        "recipient_202603",
        "event_202603",
        "message_body_20260308",
    }


def test_it_goes_when_its_mail_has_ended(desk: Desk, worker: Worker, sender: Sender) -> None:
    desk.accept(old_message(sender))
    worker.finish(*map(result, worker.claim()))
    forget_at(sender, SystemClock().now())
    assert partitions(sender) == set()
    assert sender.stats["delivered"] == 1


def test_what_has_ended_and_is_not_told_yet_keeps_its_partition(
    desk: Desk, worker: Worker, sender: Sender
) -> None:
    desk.accept(old_message(sender))
    desk.run(worker.claims.finish([result(one) for one in worker.claim()]))
    forget_at(sender, SystemClock().now())
    assert "recipient_202603" in partitions(sender)
    worker.post()
    forget_at(sender, SystemClock().now())
    assert partitions(sender) == set()
    assert sender.stats["delivered"] == 1


def test_each_reseller_has_its_own_days(sender: Sender) -> None:
    keep_for(db.session(), reseller_of(sender), Retention(mail=400, bodies=10), actor="tests")
    db.session.commit()
    assert retention_of(reseller_of(sender)) == Retention(400, 10)
    gone = forget_at(sender, datetime(2026, 7, 5, tzinfo=UTC))
    assert {name.rpartition("_")[0] for name in gone} == {"message_body"}
    keep_for(db.session(), reseller_of(sender), Retention(mail=90, bodies=30), actor="tests")
    db.session.commit()


@pytest.mark.parametrize("days", [(0, 0), (10, 11), (4000, 1)])
def test_days_that_make_no_sense_are_refused(sender: Sender, days: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput):
        keep_for(db.session(), reseller_of(sender), Retention(*days), actor="tests")


@pytest.mark.parametrize("name", ["account", "message", "message_209901"])
def test_no_other_table_can_be_dropped_this_way(sender: Sender, name: str) -> None:
    with pytest.raises(DBAPIError):
        forget(db.session(), sender.reseller, name)
    db.session.rollback()


def test_without_keeping_bodies_a_body_goes_with_its_last_recipient(
    desk: Desk, worker: Worker, account: OpenAccount
) -> None:
    sender = account(credits=10)
    sender.change("account", keep_bodies=False)
    message = sender.message("a@example.org", "b@example.org")
    desk.accept(message)
    first, second = worker.claim()
    bodies = f"SELECT count(*) FROM message_body WHERE message_id = '{message.message_id}'"
    worker.finish(result(first), result(second, RecipientState.DEFERRED))
    assert sender.value(bodies) == 1
    worker.finish(result(second, RecipientState.BOUNCED, at=SystemClock().now() + timedelta(seconds=1)))
    assert sender.value(bodies) == 0


def test_an_accepted_message_without_its_body_is_still_known_as_accepted(
    desk: Desk, worker: Worker, account: OpenAccount
) -> None:
    sender = account(credits=1)
    sender.change("account", keep_bodies=False)
    message = sender.message()
    desk.accept(message)
    worker.finish(*map(result, worker.claim()))
    desk.accept(message)
