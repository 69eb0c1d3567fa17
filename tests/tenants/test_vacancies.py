"""The tests' own resellers: one that comes into a schema after another finds it as if it were new."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask

from platform_core.database import ResellerRef, db, schema_of, tenant_session
from platform_core.settings import Settings
from tests.fixtures_database import new_reseller
from tests.fixtures_web import MakeAgency, deliver, delivered, send
from tests.relay_worker.queue.desk import Desk, open_account, owner_connection
from tests.vacancies import Vacancies


@pytest.fixture
def own(app: Flask, database: Settings) -> Iterator[Vacancies]:
    """With no schema of other tests to hand on."""
    with psycopg.connect(database.database_url.get_secret_value(), autocommit=True) as owner:
        yield Vacancies(owner)


def make(vacancies: Vacancies, key: str) -> ResellerRef:
    return vacancies.make(db.session(), new_reseller("Acme Mail", key)).reseller


def ask(query: str, *values: object, inside: ResellerRef | None = None) -> list[dict[str, Any]]:
    """Rows of a query of the database's owner."""
    with owner_connection(inside) as connection:
        return connection.execute(query.encode(), values).fetchall()


def oid_of(reseller: ResellerRef) -> int:
    """What stays the same of a schema that changes its name."""
    [row] = ask("SELECT %s::regnamespace::oid AS oid", schema_of(reseller.key))
    return int(row["oid"])


def contents(reseller: ResellerRef) -> dict[str, dict[str, Any]]:
    """How many rows each table has, and what each sequence will say next."""
    inside = (
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = %s"
    )
    counts = {"r": 'SELECT count(*) FROM "{}"', "S": 'SELECT last_value, is_called FROM "{}"'}
    return {
        row["relname"]: ask(query.format(row["relname"]), inside=reseller)[0]
        for kind, query in counts.items()
        for row in ask(inside, kind, inside=reseller)
    }


def test_a_schema_that_is_handed_on_has_what_a_new_one_has(own: Vacancies) -> None:
    first = make(own, "handedon1")
    pristine, oid = contents(first), oid_of(first)
    with tenant_session(first) as session:
        session.connection().exec_driver_sql("INSERT INTO account (kind, name) VALUES ('sub', 'Contoso')")
        session.commit()
    assert contents(first) != pristine
    own.leave(first)
    second = make(own, "handedon2")
    assert (oid_of(second), contents(second)) == (oid, pristine)
    assert second.id != first.id


def test_mail_of_an_agency_that_is_gone_is_gone_and_that_of_its_heir_goes(
    vacancies: Vacancies, make_agency: MakeAgency
) -> None:
    agency = make_agency()
    send(agency.customer, "One")
    deliver(delivered)
    send(agency.customer, "Two")
    oid = oid_of(agency.ref)
    vacancies.leave(agency.ref)
    while oid_of((heir := make_agency()).ref) != oid:
        pass
    assert ask("SELECT id FROM message UNION ALL SELECT message_id FROM recipient", inside=heir.ref) == []
    assert ask("SELECT FROM relay.due WHERE reseller_id = %s", agency.ref.id) == []
    send(heir.customer, "Three")
    deliver(delivered)
    assert ask("SELECT state FROM recipient", inside=heir.ref) == [{"state": "delivered"}]


def test_nothing_of_a_reseller_that_is_gone_waits_in_the_log(own: Vacancies, database: Settings) -> None:
    first, desk = make(own, "handedon5"), Desk(pool_size=1)
    with owner_connection() as books:
        books.execute("DELETE FROM relay.result_log")
        books.commit()
        desk.accept(open_account(books, first, credits=1).message())
    desk.close()
    assert len(ask("SELECT FROM relay.result_log")) == 1
    own.leave(first)
    assert ask("SELECT FROM relay.result_log") == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE account ADD COLUMN more text",
        "ALTER TABLE credit_entry DISABLE TRIGGER USER",
        "ALTER TABLE event RENAME TO event_away; ALTER TABLE event_away RENAME TO event",
        "CREATE TABLE extra ()",
        "REVOKE SELECT ON account FROM frankpost_relay; GRANT UPDATE ON account TO frankpost_relay",
    ],
)
def test_a_schema_that_a_test_has_changed_is_not_handed_on(own: Vacancies, change: str) -> None:
    first = make(own, "handedon3")
    with owner_connection(first) as connection:
        connection.execute(change.encode())
    own.leave(first)
    second = make(own, "handedon4")
    assert oid_of(first) != oid_of(second)
    for reseller in first, second:
        ask("SELECT platform.drop_tenant(%s)", reseller.key)
        ask("DELETE FROM platform.reseller WHERE id = %s RETURNING id", reseller.id)
