"""Alembic's entry for one reseller's schema, which is the search path of the connection it is given."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
