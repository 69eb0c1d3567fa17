"""Looking, without changing anything, whether the database is in the state this code expects."""

from dataclasses import dataclass
from enum import StrEnum

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from platform_core.database import schema_of
from platform_core.ids import ResellerKey
from platform_core.migrations import owner_engine
from platform_core.settings import ROOT, Settings


class SchemaState(StrEnum):
    CURRENT = "current"
    BEHIND = "behind"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class InspectedSchema:
    """One schema. `revision`: the last migration it has seen, None when none."""

    schema: str
    state: SchemaState
    revision: str | None
    expected: str


def inspect_database(settings: Settings) -> list[InspectedSchema]:
    """The shared schema first, then every reseller's. Raises ServerUnreachable."""
    with owner_engine(settings) as engine, engine.connect() as connection:
        shared = _inspect(connection, "platform", tree="shared", table="shared_version")
        if shared.state is SchemaState.MISSING:
            return [shared]
        keys = connection.scalars(text("SELECT key FROM platform.reseller ORDER BY key")).all()
        schemas = [schema_of(ResellerKey(key)) for key in keys]
        return [
            shared,
            *(_inspect(connection, schema, tree="tenant", table="alembic_version") for schema in schemas),
        ]


def _inspect(connection: Connection, schema: str, *, tree: str, table: str) -> InspectedSchema:
    expected = _head(tree)
    context = MigrationContext.configure(
        connection, opts={"version_table": table, "version_table_schema": schema}
    )
    revision = context.get_current_revision()
    if revision is None:
        return InspectedSchema(schema, SchemaState.MISSING, None, expected)
    state = SchemaState.CURRENT if revision == expected else SchemaState.BEHIND
    return InspectedSchema(schema, state, revision, expected)


def _head(tree: str) -> str:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations" / tree))
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None
    return head
