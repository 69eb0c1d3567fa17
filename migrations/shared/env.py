"""Alembic's entry for the shared tree: the schemas `platform` and `relay`. Run by `frankpost db upgrade`."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table="shared_version", version_table_schema="platform")
with context.begin_transaction():
    context.run_migrations()
