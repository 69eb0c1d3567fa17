"""`frankpost db upgrade` and `check`: an empty database, one broken reseller among others, and resuming."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from uuid import uuid4

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, text

from platform_core import migrations
from platform_core.database import OWNER_ROLE, db, owner_url, schema_of
from platform_core.ids import ResellerKey
from platform_core.inspection import SchemaState, inspect_database
from platform_core.migrations import Outcome, upgrade_database
from platform_core.settings import ROOT, Settings, settings
from platform_dev.postgres import EmbeddedPostgres
from platform_web.cli import frankpost
from platform_web.headless import headless_context
from tenants.resellers.services import NewReseller, create_reseller
from tests.fixtures_database import fresh_reseller


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Iterator[Settings]:
    """The settings of an empty database of its own; dropped afterwards, with the roles that were made in it."""
    name = f"upgrade_{uuid4().hex[:12]}"
    server = create_engine(owner_url(settings()), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield settings().model_copy(update={"database_url": SecretStr(postgres_server.url(name))})
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def keys() -> list[ResellerKey]:
    """Three keys in the order in which an upgrade comes to them."""
    mark = uuid4().hex[:10]
    return [ResellerKey(f"{letter}{mark}") for letter in "abc"]


@pytest.fixture
def three(empty: Settings, keys: list[ResellerKey]) -> Iterator[Settings]:
    """A migrated database with three resellers; roles belong to the whole server, so they go one by one."""
    upgrade_database(empty)
    with headless_context(empty):
        for key in keys:
            fresh_reseller(key=key)
    yield empty
    with owner(empty) as execute:
        for key in keys:
            execute(f"SELECT platform.drop_tenant('{key}')")


class owner:
    """Executes single statements as the database's owner."""

    def __init__(self, settings: Settings) -> None:
        self._engine: Engine = create_engine(owner_url(settings))

    def __enter__(self) -> Callable[[str], None]:
        return self._execute

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def _execute(self, statement: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(f"SET LOCAL ROLE {OWNER_ROLE}"))
            connection.exec_driver_sql(statement)


def empty_schema(settings: Settings, key: ResellerKey) -> None:
    """As a schema is before its first migration."""
    with owner(settings) as execute:
        execute(f"DROP SCHEMA {schema_of(key)} CASCADE")
        execute(f"CREATE SCHEMA {schema_of(key)}")


def break_schema(settings: Settings, key: ResellerKey) -> None:
    """Let a schema forget that its tables are there: its first migration will run into them."""
    with owner(settings) as execute:
        execute(f"DELETE FROM {schema_of(key)}.alembic_version")


def mend_schema(settings: Settings, key: ResellerKey) -> None:
    with owner(settings) as execute:
        execute(
            f"INSERT INTO {schema_of(key)}.alembic_version VALUES ('{inspect_database(settings)[1].expected}')"
        )


def outcomes(settings: Settings, *, keep_going: bool = False) -> dict[str, Outcome]:
    return {found.schema: found.outcome for found in upgrade_database(settings, keep_going=keep_going)}


def states(settings: Settings) -> dict[str, SchemaState]:
    return {found.schema: found.state for found in inspect_database(settings)}


def test_an_empty_database_is_upgraded_once(empty: Settings) -> None:
    assert states(empty) == {"platform": SchemaState.MISSING}
    assert outcomes(empty) == {"platform": Outcome.UPGRADED}
    assert outcomes(empty) == {"platform": Outcome.CURRENT}
    assert states(empty) == {"platform": SchemaState.CURRENT}


def test_a_broken_schema_stops_the_upgrade_with_its_reason(three: Settings, keys: list[ResellerKey]) -> None:
    a, b, c = map(schema_of, keys)
    break_schema(three, keys[1])
    empty_schema(three, keys[2])
    reports = upgrade_database(three)
    assert [(found.schema, found.outcome) for found in reports] == [
        ("platform", Outcome.CURRENT),
        (a, Outcome.CURRENT),
        (b, Outcome.FAILED),
    ]
    assert "already exists" in reports[-1].reason
    assert states(three)[c] is SchemaState.MISSING


def test_keep_going_leaves_the_broken_one_behind(three: Settings, keys: list[ResellerKey]) -> None:
    a, b, c = map(schema_of, keys)
    break_schema(three, keys[1])
    empty_schema(three, keys[2])
    assert outcomes(three, keep_going=True) == {
        "platform": Outcome.CURRENT,
        a: Outcome.CURRENT,
        b: Outcome.FAILED,
        c: Outcome.UPGRADED,
    }


def test_a_second_run_resumes_where_the_first_stopped(three: Settings, keys: list[ResellerKey]) -> None:
    _, b, c = map(schema_of, keys)
    break_schema(three, keys[1])
    empty_schema(three, keys[2])
    upgrade_database(three)
    mend_schema(three, keys[1])
    resumed = outcomes(three)
    assert (resumed[b], resumed[c]) == (Outcome.CURRENT, Outcome.UPGRADED)
    assert set(states(three).values()) == {SchemaState.CURRENT}


def test_a_failed_schema_is_left_as_it_was(three: Settings, keys: list[ResellerKey]) -> None:
    break_schema(three, keys[1])
    upgrade_database(three, keep_going=True)
    mend_schema(three, keys[1])
    assert shape(three, keys[1]) == shape(three, keys[0])


def test_an_upgraded_schema_equals_one_that_was_made_whole(three: Settings, keys: list[ResellerKey]) -> None:
    empty_schema(three, keys[2])
    upgrade_database(three)
    assert shape(three, keys[2]) == shape(three, keys[0])


RESULT = "(1,019a0000-0000-7000-8000-000000000000,0,2026-11-02 12:00:00+00,bounced,hard,550,5.1.1,{},mx,::1,,7,,gone,)"


def test_results_that_wait_to_be_posted_outlast_what_is_added_to_them(empty: Settings) -> None:
    """The script is run once more, on the tables as they were before it."""
    upgrade_database(empty)
    said = 'a "quoted" reply, and more'
    with owner(empty) as execute:
        for table in ("result_log", "unrecorded"):
            execute(f"ALTER TABLE relay.{table} DROP COLUMN results, DROP COLUMN strays")
        execute("ALTER TABLE relay.due DROP COLUMN for_ip, DROP COLUMN handed_at")
        execute("ALTER TABLE platform.ip_address DROP COLUMN absent_at")
        execute("ALTER TABLE relay.holding DROP COLUMN bytes")
        execute("ALTER TYPE relay.standing DROP ATTRIBUTE hold_bytes")
        execute("ALTER TYPE relay.result DROP ATTRIBUTE tls_trust")
        for table in ("result_log", "unrecorded"):
            execute(f"ALTER TABLE relay.{table} ADD results relay.result[], ADD strays relay.result[]")
        result = RESULT.format('"' + said.replace('"', '""') + '"')
        execute(
            f"INSERT INTO relay.result_log (results, strays, tallies)"
            f" VALUES (ARRAY['{result}']::relay.result[], '{{}}', '{{}}')"
        )
        execute((ROOT / "migrations/shared/versions/0012_delivery.sql").read_text())
    engine = create_engine(owner_url(empty))
    with engine.connect() as connection:
        kept = connection.execute(
            text(
                "SELECT r.reply_text, r.source_address, r.tls_trust, strays FROM relay.result_log, unnest(results) r"
            )
        ).all()
    engine.dispose()
    assert kept == [(said, None, None, "{}")]


def shape(settings: Settings, key: ResellerKey) -> set[tuple[str, ...]]:
    """Columns, functions and grants of a schema, without its partitions."""
    engine = create_engine(owner_url(settings))
    questions = (
        """SELECT 'column', table_name, column_name, data_type, is_nullable, coalesce(column_default, '')
           FROM information_schema.columns WHERE table_schema = :schema""",
        """SELECT 'function', routine_name, coalesce(routine_definition, ''), data_type, '', ''
           FROM information_schema.routines WHERE routine_schema = :schema""",
        """SELECT 'grant', table_name, column_name, privilege_type, replace(grantee, :schema, 'role'), ''
           FROM information_schema.column_privileges WHERE table_schema = :schema AND grantee = :schema""",
    )
    with engine.connect() as connection:
        found = {
            tuple(row)
            for question in questions
            for row in connection.execute(text(question), {"schema": schema_of(key)})
            if row[1] != "alembic_version" and not row[1][-6:].isdigit()
        }
    engine.dispose()
    assert {kind for kind, *_ in found} == {"column", "function", "grant"}
    return found


def command(monkeypatch: pytest.MonkeyPatch, database: Settings, *words: str) -> tuple[int, str, str]:
    """Run `frankpost db ...` on this database: exit code, standard output, standard error."""
    monkeypatch.setenv("DATABASE_URL", database.database_url.get_secret_value())
    settings.cache_clear()
    try:
        result = CliRunner().invoke(frankpost, ["db", *words])
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    return result.exit_code, result.stdout, result.stderr


def test_the_command_shows_progress_and_exits_with_1_when_a_schema_failed(
    three: Settings, keys: list[ResellerKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_schema(three, keys[1])
    code, out, err = command(monkeypatch, three, "upgrade")
    assert code == 1
    assert [line.split()[1:] for line in out.splitlines()] == [
        ["platform", "current"],
        [schema_of(keys[0]), "current"],
        [schema_of(keys[1]), "failed"],
    ]
    assert "already exists" in err
    assert command(monkeypatch, three, "upgrade", "--keep-going")[0] == 1
    mend_schema(three, keys[1])
    assert command(monkeypatch, three, "upgrade")[0] == 0


def test_check_says_whether_an_upgrade_is_due(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = command(monkeypatch, empty, "check")
    assert code == 1
    assert "frankpost db upgrade" in err
    assert command(monkeypatch, empty, "upgrade")[0] == 0
    assert command(monkeypatch, empty, "check")[0] == 0


def test_a_command_on_a_database_that_was_never_upgraded_says_what_to_do(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty.database_url.get_secret_value())
    settings.cache_clear()
    result = CliRunner().invoke(frankpost, ["reseller", "list"])
    monkeypatch.undo()
    settings.cache_clear()
    assert result.exit_code == 1
    assert "run `frankpost db upgrade`" in result.stderr


def waits_for_a_lock(settings: Settings) -> bool:
    """True once some connection to this database waits for another; False after five seconds without one."""
    engine = create_engine(owner_url(settings), isolation_level="AUTOCOMMIT")
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with engine.connect() as connection:
        ends = monotonic() + 5
        while not (waits := bool(connection.scalar(query))) and monotonic() < ends:
            sleep(0.02)
    engine.dispose()
    return waits


def test_a_reseller_in_the_making_is_not_left_behind(empty: Settings, keys: list[ResellerKey]) -> None:
    upgrade_database(empty)
    with owner(empty) as execute:  # as a release would have left it that had no such function yet
        execute("DELETE FROM platform.tenant_script WHERE position('FUNCTION has_work' IN sql) > 0")
    new = NewReseller(keys[0], "Agency", "owner@agency.example", {})
    with headless_context(empty), ThreadPoolExecutor(1) as thread:
        create_reseller(db.session(), new, actor="tests")
        upgrade = thread.submit(upgrade_database, empty)
        assert waits_for_a_lock(empty)
        db.session.commit()
        upgrade.result()
    with owner(empty) as execute:
        try:
            execute(f"SELECT {schema_of(keys[0])}.has_work('plans')")
        finally:
            execute(f"SELECT platform.drop_tenant('{keys[0]}')")


@pytest.mark.parametrize(
    "work",
    ["LOCK TABLE platform.reseller IN ROW EXCLUSIVE MODE", "ALTER FUNCTION relay.hostnames() COST 200"],
)
def test_an_upgrade_that_others_keep_from_going_on_says_so(
    empty: Settings, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    upgrade_database(empty)
    monkeypatch.setattr(migrations, "_PATIENCE", "100ms")
    others = create_engine(owner_url(empty))
    with others.connect() as connection:
        connection.exec_driver_sql(work)
        code, _, err = command(monkeypatch, empty, "upgrade")
    others.dispose()
    assert code == 1
    assert "Others are at work in the database" in err
    assert command(monkeypatch, empty, "upgrade")[0] == 0
