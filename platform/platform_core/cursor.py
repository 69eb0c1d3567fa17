"""The database cursor of web and jobs: one call sends one statement, so that nothing can ride on another."""

from typing import Any

import psycopg
from psycopg._queries import PostgresQuery


class OneStatementCursor(psycopg.Cursor[Any]):
    """Uses Postgres' extended protocol for every statement.

    psycopg takes the simple protocol for statements without parameters, and that one runs whatever follows a semicolon:
    an injected `; SET ROLE ...` would leave the reseller's role. The extended protocol refuses a second statement.
    """

    def _execute_send(
        self, query: PostgresQuery, *, force_extended: bool = True, binary: bool | None = None
    ) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)
