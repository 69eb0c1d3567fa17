"""The database cursor of web and jobs: one statement a call, and none that changes who the session is.

Postgres keeps a reseller's role out of every other's rows, but lets the session leave that role by SET ROLE or RESET:
the web's login may become any reseller. So such statements are refused here, at the last place before the wire.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from psycopg._queries import PostgresQuery

from platform_core.errors import FrankpostError

# What reads and writes rows, and what SQLAlchemy needs around it. A list of what is allowed: what can't be read, such
# as comments within comments, is refused.
_ALLOWED = re.compile(
    rb"(?:\s|;|\(|--[^\n]*\n|/\*.*?\*/)*"
    rb"(?:(?:select|insert|update|delete|with|values|show|savepoint|release|rollback|begin|commit)\b|$)",
    re.IGNORECASE | re.DOTALL,
)
_door_is_open: ContextVar[bool] = ContextVar("door_is_open", default=False)


class StatementRefused(FrankpostError):
    """A statement that would change the session itself, from code that has no business to."""


@contextmanager
def open_door() -> Iterator[None]:
    """While the one door into a reseller changes role and search path. Nobody else calls this."""
    token = _door_is_open.set(True)
    try:
        yield
    finally:
        _door_is_open.reset(token)


class OneStatementCursor(psycopg.Cursor[Any]):
    """Uses Postgres' extended protocol for every statement, and looks at each first.

    psycopg takes the simple protocol for statements without parameters, and that one runs whatever follows a semicolon:
    an injected `; SET ROLE ...` would leave the reseller's role. The extended protocol refuses a second statement.
    """

    def _execute_send(
        self, query: PostgresQuery, *, force_extended: bool = True, binary: bool | None = None
    ) -> None:
        if not (_door_is_open.get() or _ALLOWED.match(query.query)):
            raise StatementRefused("Only statements that read or write rows may be sent.")
        super()._execute_send(query, force_extended=True, binary=binary)
