"""Bringing the database to the state this code expects: roles, shared schemas, functions, every reseller's schema.

Migrations are numbered SQL files with a small Alembic script beside each. Functions are not migrated but laid down anew
from their one source file at every upgrade, after the tables they use.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import psycopg
import structlog
from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from platform_core.database import OWNER_ROLE, RELAY_ROLE, WEB_ROLE, owner_url, role_password, schema_of
from platform_core.errors import ServerUnreachable
from platform_core.ids import ResellerKey
from platform_core.settings import ROOT, Settings

FUNCTIONS = ROOT / "relay_worker" / "queue" / "functions"
OLDEST_POSTGRES = 16  # the first that grants a role WITH INHERIT FALSE, SET TRUE
_PATIENCE = "10s"  # with whoever is busy with a table
_UPGRADE_LOCK = 0x46_52_4B_50  # any number, the same in every process

log = structlog.get_logger()


class Outcome(StrEnum):
    UPGRADED = "upgraded"
    CURRENT = "current"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """What became of one schema; `reason` is there when it failed."""

    schema: str
    outcome: Outcome
    reason: str = ""


def run_sql_beside(script: str) -> None:
    """Run the SQL file that lies beside a migration script; {schema} and {role} become the schema it runs in."""
    connection = op.get_bind()
    schema = connection.scalar(text("SELECT current_schema()"))
    execute_sql(connection, for_tenant(Path(script).with_suffix(".sql").read_text(), schema))


def for_tenant(source: str, schema: str) -> str:
    """SQL of the tenant tree for one schema. Schema and role have the same name."""
    return source.replace("{schema}", f'"{schema}"').replace("{role}", f'"{schema}"')


def execute_sql(connection: Connection, source: str) -> None:
    """Run SQL of any length as it stands. Past SQLAlchemy, which would look for parameters in it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.execute(source.encode())


@contextmanager
def owner_engine(settings: Settings) -> Iterator[Engine]:
    """An engine whose connections may create roles and schemas. Raises ServerUnreachable with a clear sentence."""
    engine = create_engine(owner_url(settings), connect_args={"connect_timeout": 10})
    try:
        with engine.connect() as connection:
            version = connection.scalar(text("SHOW server_version_num"))
        if int(version) // 10_000 < OLDEST_POSTGRES:
            raise ServerUnreachable(
                f"Postgres {OLDEST_POSTGRES} or later is needed; DATABASE_URL leads to {int(version) // 10_000}."
            )
        yield engine
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None):  # then it has answered
            raise
        raise ServerUnreachable(
            f"Postgres does not answer at DATABASE_URL: {str(error.orig).strip()}"
        ) from error
    finally:
        engine.dispose()


def upgrade_database(
    settings: Settings, *, keep_going: bool = False, report: Callable[[SchemaReport], None] = lambda _: None
) -> list[SchemaReport]:
    """Bring the whole database up to date and say for each schema what happened.

    Stops at the first reseller's schema that fails, unless `keep_going`. What was done stays done, so calling again
    resumes. Only one upgrade runs at a time. Raises ServerUnreachable; a failing shared migration raises as it is.
    """
    reports: list[SchemaReport] = []
    with owner_engine(settings) as engine, engine.connect() as lock:
        lock.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _UPGRADE_LOCK})
        with engine.begin() as connection:
            _prepare_roles(connection, settings)
        with engine.begin() as connection:
            reports.append(_upgrade_shared(connection))
            keys = connection.scalars(text("SELECT key FROM platform.reseller ORDER BY key")).all()
        report(reports[-1])
        for at, key in enumerate(keys):
            reports.append(_upgrade_tenant(engine, ResellerKey(key), check_bodies=at == 0))
            report(reports[-1])
            if reports[-1].outcome is Outcome.FAILED and not keep_going:
                break
    return reports


def _prepare_roles(connection: Connection, settings: Settings) -> None:
    """The three roles, with what they may do in this database; safe to repeat."""
    existing = set(connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'frankpost%'")))
    database, user, superuser = connection.execute(
        text("SELECT current_database(), current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
    ).one()
    for role in {OWNER_ROLE, WEB_ROLE, RELAY_ROLE} - existing:
        connection.execute(
            text(f"CREATE ROLE {role} {'CREATEROLE NOLOGIN' if role == OWNER_ROLE else 'LOGIN'}")
        )
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    for role in (WEB_ROLE, RELAY_ROLE):
        driver.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(role), sql.Literal(role_password(settings, role))
            )
        )
    _settle_plans(connection)
    owner, here = sql.Identifier(OWNER_ROLE), sql.Identifier(database)
    driver.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(here, owner))
    if not superuser:
        driver.execute(sql.SQL("GRANT {} TO {} WITH SET TRUE").format(owner, sql.Identifier(user)))
    for schema in ("platform", "relay"):
        driver.execute(
            sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(sql.Identifier(schema), owner)
        )
    if superuser:
        _close_side_doors(connection)


def _settle_plans(connection: Connection) -> None:
    """How the relay's role plans. Its few statements are planned once for each reseller and connection, and kept.

    A plan is never made again for each call, which costs more than running it; and it never reads a table from end to
    end, since it may have been made when the table was empty.
    """
    connection.execute(text(f"ALTER ROLE {RELAY_ROLE} SET plan_cache_mode = force_generic_plan"))
    connection.execute(text(f"ALTER ROLE {RELAY_ROLE} SET enable_seqscan = off"))


def _close_side_doors(connection: Connection) -> None:
    """Take away the ways in which one injected statement could leave a reseller's role.

    These are set_config, DO, and functions of one's own with a `SET role` in their head, for which the temporary schema
    would be the place. A plain SET or RESET is a statement of its own and can't ride on another: the drivers send one
    statement a call (platform_core.cursor). The relay's driver calls set_config itself, and its role may become no other.
    """
    here = connection.dialect.identifier_preparer.quote(
        connection.execute(text("SELECT current_database()")).scalar_one()
    )
    for statement in (
        f"REVOKE TEMPORARY ON DATABASE {here} FROM PUBLIC",
        "REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO {OWNER_ROLE}, {RELAY_ROLE}",
        "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC",
        f"GRANT USAGE ON LANGUAGE plpgsql TO {OWNER_ROLE}",
    ):
        connection.execute(text(statement))


def _upgrade_shared(connection: Connection) -> SchemaReport:
    _become_owner(connection)
    _wait_for_makers(connection)
    outcome = _run_tree("shared", connection, version_schema="platform")
    for source in _function_sources(FUNCTIONS):
        execute_sql(connection, source)
    _store_tenant_script(connection)
    return SchemaReport("platform", outcome)


def _upgrade_tenant(engine: Engine, key: ResellerKey, *, check_bodies: bool) -> SchemaReport:
    """One reseller's schema, in one transaction. Any fault of the database becomes a report, never half an upgrade.

    `check_bodies`: let Postgres look into the functions, which are the same everywhere and looked into once.
    """
    schema = schema_of(key)
    try:
        with engine.begin() as connection:
            _become_owner(connection)
            connection.execute(text(f'SET LOCAL search_path = "{schema}", pg_temp'))
            if not check_bodies:
                connection.execute(text("SET LOCAL check_function_bodies = off"))
            outcome = _run_tree("tenant", connection, version_schema=None)
            for source in _function_sources(FUNCTIONS / "tenant"):
                execute_sql(connection, for_tenant(source, schema))
        return SchemaReport(schema, outcome)
    except DBAPIError as error:
        return SchemaReport(schema, Outcome.FAILED, str(error.orig).strip())
    except psycopg.Error as error:
        return SchemaReport(schema, Outcome.FAILED, str(error).strip())


def _become_owner(connection: Connection) -> None:
    connection.execute(text(f"SET LOCAL ROLE {OWNER_ROLE}"))
    # Behind a busy table an upgrade gives up rather than make every sender wait in line behind it.
    connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
    connection.execute(text("SET LOCAL statement_timeout = '10min'"))


def _wait_for_makers(connection: Connection) -> None:
    """Let nobody make a reseller until the script for that is the new one, and wait for whoever is about to.

    Before anything else is locked, or they would wait for us: what an older script has made must be among the keys.
    """
    if connection.scalar(text("SELECT to_regclass('platform.reseller')")) is not None:
        connection.execute(text("LOCK TABLE platform.reseller IN SHARE ROW EXCLUSIVE MODE"))


def _run_tree(tree: str, connection: Connection, *, version_schema: str | None) -> Outcome:
    table = "shared_version" if tree == "shared" else "alembic_version"
    current = MigrationContext.configure(
        connection, opts={"version_table": table, "version_table_schema": version_schema}
    ).get_current_revision()
    if current == _head(tree):
        return Outcome.CURRENT
    config, script = _scripts(tree)
    config.attributes["connection"] = connection
    with EnvironmentContext(
        config, script, fn=lambda revision, _context: script._upgrade_revs("head", revision)
    ):
        script.run_env()
    return Outcome.UPGRADED


@cache
def _head(tree: str) -> str | None:
    return _scripts(tree)[1].get_current_head()


def _scripts(tree: str) -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations" / tree))
    return config, ScriptDirectory.from_config(config)


def _store_tenant_script(connection: Connection) -> None:
    """Keep what makes a new reseller's schema where platform.create_tenant finds it."""
    _, script = _scripts("tenant")
    revisions = reversed(list(script.walk_revisions()))
    scripts: list[tuple[str | None, str]] = [
        (revision.revision, Path(revision.path).with_suffix(".sql").read_text()) for revision in revisions
    ]
    scripts += [(None, source) for source in _function_sources(FUNCTIONS / "tenant")]
    connection.execute(text("DELETE FROM platform.tenant_script"))
    for position, (revision, source) in enumerate(scripts):
        connection.execute(
            text(
                "INSERT INTO platform.tenant_script (position, revision, sql) VALUES (:position, :revision, :sql)"
            ),
            {"position": position, "revision": revision, "sql": source},
        )


def _function_sources(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.glob("*.sql"))]
