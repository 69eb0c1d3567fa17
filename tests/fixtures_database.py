"""A migrated database, an application context on it, and resellers of one's own; each test makes the resellers it needs."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from sqlalchemy import delete

from billing.invoices.models import PlatformTaxProfile
from platform_core.database import ResellerRef, db
from platform_core.ids import ResellerKey
from platform_core.migrations import owner_engine, upgrade_database
from platform_core.settings import Settings, settings
from platform_dev.postgres import EmbeddedPostgres
from platform_web.headless import create_headless_app
from tenants.models import HostPurpose
from tenants.resellers.services import CreatedReseller, NewReseller, create_reseller
from tests.vacancies import Vacancies


@pytest.fixture(scope="session")
def database(postgres_server: EmbeddedPostgres) -> Settings:
    """The settings of a database that is migrated once for each test process. What tests leave in it stays."""
    upgrade_database(settings())
    return settings()


@pytest.fixture(scope="session")
def headless_app(database: Settings) -> Iterator[Flask]:
    app = create_headless_app(database)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(headless_app: Flask) -> Iterator[Flask]:
    """Inside an application context, so that `db.session` and `tenant_session` work."""
    with headless_app.app_context():
        yield headless_app
        _forget_the_platforms_profile()


def _forget_the_platforms_profile() -> None:
    """With it whatever the next test buys of the platform would cost VAT."""
    db.session.rollback()
    if db.session.get(PlatformTaxProfile, True):
        with owner_engine(settings()) as engine, engine.begin() as connection:
            connection.execute(delete(PlatformTaxProfile))
    db.session.rollback()


MakeReseller = Callable[..., CreatedReseller]


@pytest.fixture(scope="session")
def vacancies(database: Settings) -> Iterator[Vacancies]:
    with psycopg.connect(database.database_url.get_secret_value(), autocommit=True) as owner:
        yield Vacancies(owner)


@pytest.fixture
def make_reseller(app: Flask, vacancies: Vacancies) -> Iterator[MakeReseller]:
    """A factory: makes and commits a reseller with a key of its own, and one host name for each purpose."""
    made: list[ResellerRef] = []

    def make(name: str = "Acme Mail", key: str | None = None) -> CreatedReseller:
        if key is not None:
            return fresh_reseller(name, key)
        created = vacancies.make(db.session(), new_reseller(name, f"t{uuid4().hex[:12]}"))
        made.append(created.reseller)
        return created

    yield make
    db.session.rollback()
    for reseller in made:
        vacancies.leave(reseller)


def new_reseller(name: str, key: str) -> NewReseller:
    hosts = {
        purpose: f"{purpose.replace('_', '-')}.{key.replace('_', '-')}.example" for purpose in HostPurpose
    }
    return NewReseller(ResellerKey(key), name, f"owner@{key}.example", hosts)


def fresh_reseller(name: str = "Acme Mail", key: str | None = None) -> CreatedReseller:
    """Makes and commits a reseller that stays; needs an application context."""
    new = new_reseller(name, key or f"t{uuid4().hex[:12]}")
    created = create_reseller(db.session(), new, actor="tests")
    db.session.commit()
    return created


@pytest.fixture
def reseller(make_reseller: MakeReseller) -> ResellerRef:
    """One fresh reseller."""
    return make_reseller().reseller
