"""An upgraded empty database is what the models say."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.sql.schema import SchemaItem

import billing.caps.models
import billing.dunning.models
import billing.invoices.models
import billing.ledger.models
import billing.payments.models
import billing.plans.models
import billing.prices.models
import billing.wallet.models
import relay_worker.addresses.models
import relay_worker.models
import tenants.models
from platform_core.database import PlatformBase, ResellerRef, TenantBase, owner_url, schema_of
from platform_core.settings import Settings

# Every module with rows, so that the metadata is whole.
MODELS = (
    billing.dunning.models,
    billing.invoices.models,
    billing.caps.models,
    billing.ledger.models,
    billing.payments.models,
    billing.plans.models,
    billing.prices.models,
    billing.wallet.models,
    relay_worker.addresses.models,
    relay_worker.models,
    tenants.models,
)

# Known to SQL alone: Alembic's own tables, and what platform.create_tenant reads.
WITHOUT_MODEL = {"alembic_version", "shared_version", "tenant_script"}
PARTITION = re.compile(r"_[0-9]{6}([0-9]{2})?$")


@contextmanager
def connected(settings: Settings, schema: str) -> Iterator[Connection]:
    engine = create_engine(owner_url(settings), connect_args={"options": f"-c search_path={schema}"})
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def ours(item: SchemaItem, name: str | None, kind: str, reflected: bool, _other: SchemaItem | None) -> bool:
    """Partitions repeat their table; indexes and constraints are the SQL's affair, models only name what code uses."""
    if kind == "table":
        return name not in WITHOUT_MODEL and not (reflected and PARTITION.search(name or ""))
    return kind == "column"


def differences(connection: Connection, metadata: Any, **options: Any) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "include_object": ours, **options}
    )
    return list(compare_metadata(context, metadata))


def test_a_resellers_tables_are_what_the_models_say(database: Settings, reseller: ResellerRef) -> None:
    with connected(database, schema_of(reseller.key)) as connection:
        assert differences(connection, TenantBase.metadata) == []


def test_the_platforms_tables_are_what_the_models_say(database: Settings) -> None:
    def in_platform(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "schema" or name == "platform"

    with connected(database, "public") as connection:
        found = differences(connection, PlatformBase.metadata, include_schemas=True, include_name=in_platform)
        assert found == []


def test_a_column_that_no_model_knows_would_be_noticed(database: Settings, reseller: ResellerRef) -> None:
    with connected(database, schema_of(reseller.key)) as connection:
        connection.exec_driver_sql("ALTER TABLE account ADD COLUMN surprise text")
        connection.exec_driver_sql("ALTER TABLE account ALTER COLUMN name DROP NOT NULL")
        connection.exec_driver_sql("ALTER TABLE account ALTER COLUMN held_limit TYPE bigint")
        assert len(differences(connection, TenantBase.metadata)) == 3
        connection.rollback()
