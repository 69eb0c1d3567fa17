"""The database: how each process logs in, and the one door into a reseller's rows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from pydantic import SecretStr
from sqlalchemy import URL, Connection, MetaData, event, make_url, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction

from platform_core.cursor import OneStatementCursor, open_door
from platform_core.errors import InvalidInput
from platform_core.ids import ResellerId, ResellerKey
from platform_core.security import derive_key
from platform_core.settings import Settings

OWNER_ROLE = "frankpost_owner"
WEB_ROLE = "frankpost_web"
RELAY_ROLE = "frankpost_relay"

_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")


class PlatformBase(DeclarativeBase):
    """Base of the rows that belong to the platform, in the schemas `platform` and `relay`."""

    metadata = MetaData(schema="platform")


class TenantBase(DeclarativeBase):
    """Base of the rows that belong to one reseller. Without a schema: the search path of the session decides."""

    metadata = MetaData()


db = SQLAlchemy(model_class=PlatformBase)


@dataclass(frozen=True, slots=True)
class ResellerRef:
    """A reseller as far as sessions and jobs need to know it."""

    id: ResellerId
    key: ResellerKey


def schema_of(key: ResellerKey) -> str:
    """The schema, and the role, of a reseller. Raises InvalidInput unless `key` is safe to put into SQL."""
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            "key", "A key begins with a letter and has at most 41 lower-case letters, digits and underscores."
        )
    return f"r_{key}"


@contextmanager
def tenant_session(reseller: ResellerRef) -> Iterator[Session]:
    """A session inside one reseller: the only way to its rows. The caller commits; anything else is rolled back.

    Every transaction begins by becoming the reseller's role with its schema as search path, both for that transaction
    only: Postgres itself refuses any other reseller's rows, and nothing leaks to the next user of the connection. The
    session ends with the block, and its objects with it. Needs an application context.
    """
    schema = schema_of(reseller.key)

    def enter_tenant(_session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
        with open_door():
            connection.execute(text(f'SET LOCAL search_path = "{schema}", pg_temp'))
            connection.execute(text(f'SET LOCAL ROLE "{schema}"'))

    session = Session(db.engine, expire_on_commit=False, info={"reseller": reseller})
    event.listen(session, "after_begin", enter_tenant)
    try:
        yield session
    finally:
        session.close()


def bind_database(app: Flask, settings: Settings, *, pool_size: int = 5) -> None:
    """Let `db` log in as web in this application. Connects on first use; `pool_size` connections are kept."""
    app.config["SQLALCHEMY_DATABASE_URI"] = web_url(settings)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_size": pool_size,
        "pool_pre_ping": True,
        "connect_args": {"cursor_factory": OneStatementCursor, "connect_timeout": 10},
    }
    db.init_app(app)


def owner_url(settings: Settings) -> URL:
    """How `frankpost db` logs in: the user of DATABASE_URL, who becomes frankpost_owner."""
    return _psycopg(settings.database_url.get_secret_value())


def web_url(settings: Settings) -> URL:
    """How web and jobs log in."""
    return _role_url(settings, WEB_ROLE, settings.database_web_url)


def relay_url(settings: Settings) -> URL:
    """How the relay and the delivery workers log in."""
    return _role_url(settings, RELAY_ROLE, settings.database_relay_url)


def role_password(settings: Settings, role: str) -> str:
    """The password `frankpost db upgrade` gives a role, so that one secret is enough to run the product."""
    return derive_key(settings.secret_key.get_secret_value(), f"database-role-{role}").hex()


def _role_url(settings: Settings, role: str, given: SecretStr | None) -> URL:
    if given is not None:
        return _psycopg(given.get_secret_value())
    return owner_url(settings).set(username=role, password=role_password(settings, role))


def _psycopg(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")


@contextmanager
def as_tenant(session: Session, reseller: ResellerRef) -> Iterator[None]:
    """Act as a reseller for a stretch of a platform transaction; for making one, where all or nothing must stand.

    Flushes at the end. An error leaves the transaction to be rolled back by whoever owns it.
    """
    schema = schema_of(reseller.key)
    session.flush()
    with open_door():
        session.execute(text(f'SET LOCAL search_path = "{schema}", pg_temp'))
        session.execute(text(f'SET LOCAL ROLE "{schema}"'))
    yield
    session.flush()
    with open_door():
        session.execute(text("SET LOCAL ROLE NONE"))
        session.execute(text("SET LOCAL search_path = DEFAULT"))


def violated_constraint(error: IntegrityError) -> str:
    """The name of the constraint a write ran into; "" when Postgres named none."""
    diagnostic = getattr(error.orig, "diag", None)
    return (diagnostic and diagnostic.constraint_name) or ""
