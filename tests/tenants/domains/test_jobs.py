"""Rechecking in the background, through Redis, Postgres and a nameserver."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from rq import SimpleWorker
from sqlalchemy import text

from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import NotFound
from platform_core.ids import AccountId
from platform_core.queues import QueueName, queue_named, redis_connection
from platform_core.security import Seal
from platform_core.settings import settings
from platform_dev.nameserver import Nameserver
from platform_dev.redis import EmbeddedRedis
from tenants.accounts.queries import main_account
from tenants.domains.checking import check_domain
from tenants.domains.jobs import enqueue_rechecks, recheck_domains
from tenants.domains.queries import domain_named
from tenants.domains.reader import RecordReader
from tenants.domains.services import add_domain
from tenants.models import Domain, DomainState
from tenants.resellers.queries import reseller_by_id
from tenants.resellers.services import CreatedReseller, suspend_reseller

MakeReseller = Callable[..., CreatedReseller]


@pytest.fixture
def lookups(nameserver: Nameserver, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nameserver]:
    """The nameserver that jobs ask, by the settings of the environment."""
    monkeypatch.setenv("FRANKPOST_NAMESERVERS", nameserver.address)
    settings.cache_clear()
    yield nameserver
    monkeypatch.undo()
    settings.cache_clear()


def add(reseller: ResellerRef, seal: Seal, name: str = "customer.example") -> Domain:
    with tenant_session(reseller) as session:
        domain = add_domain(session, main_account(session).id, name, seal=seal)
        session.commit()
        return domain


def state_of(reseller: ResellerRef, domain: Domain) -> str:
    with tenant_session(reseller) as session:
        return domain_named(session, domain.account_id, domain.name).state


def publish(nameserver: Nameserver, domain: Domain) -> None:
    key = domain.keys[0]
    nameserver.records.set(f"{key.selector}._domainkey.{domain.name}", "TXT", f"v=DKIM1; p={key.public_key}")


def test_a_published_domain_becomes_verified(lookups: Nameserver, reseller: ResellerRef, seal: Seal) -> None:
    domain = add(reseller, seal)
    publish(lookups, domain)
    recheck_domains(reseller.id)
    assert state_of(reseller, domain) == DomainState.VERIFIED


def test_what_was_just_looked_at_is_not_asked_again(
    lookups: Nameserver, reseller: ResellerRef, seal: Seal
) -> None:
    add(reseller, seal)
    recheck_domains(reseller.id)
    asked = len(lookups.queries)
    recheck_domains(reseller.id)
    assert asked and len(lookups.queries) == asked


def test_more_domains_than_fit_into_a_round_are_all_looked_at(
    lookups: Nameserver, reseller: ResellerRef, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.domains.jobs.AT_ONCE", 2)
    domains = [add(reseller, seal, f"customer{number}.example") for number in range(5)]
    for domain in domains:
        publish(lookups, domain)
    recheck_domains(reseller.id)
    assert {state_of(reseller, domain) for domain in domains} == {DomainState.VERIFIED}


def test_the_job_running_twice_at_once_has_one_effect(
    lookups: Nameserver, app: Flask, reseller: ResellerRef, seal: Seal
) -> None:
    domains = [add(reseller, seal, f"customer{number}.example") for number in range(5)]
    for domain in domains:
        publish(lookups, domain)

    def run() -> None:
        with app.app_context():
            recheck_domains(reseller.id)

    with ThreadPoolExecutor(2) as threads:
        for job in [threads.submit(run), threads.submit(run)]:
            job.result()
    assert {state_of(reseller, domain) for domain in domains} == {DomainState.VERIFIED}


def test_every_active_reseller_gets_a_job_of_its_own(
    lookups: Nameserver, redis_server: EmbeddedRedis, make_reseller: MakeReseller, seal: Seal
) -> None:
    active, suspended = make_reseller().reseller, make_reseller().reseller
    suspend_reseller(db.session(), reseller_by_id(db.session(), suspended.id), actor="tests")
    db.session.commit()
    domains = {reseller: add(reseller, seal) for reseller in (active, suspended)}
    publish(lookups, domains[active])
    enqueue_rechecks()
    with redis_connection(settings()) as connection:
        queue = queue_named(QueueName.UPKEEP, connection)
        SimpleWorker([queue], connection=connection).work(burst=True)
    assert state_of(active, domains[active]) == DomainState.VERIFIED
    with tenant_session(suspended) as session:
        assert domain_named(session, domains[suspended].account_id, "customer.example").checked_at is None


def test_a_domain_is_checked_for_its_own_account_only(
    lookups: Nameserver, reseller: ResellerRef, seal: Seal
) -> None:
    domain = add(reseller, seal)
    reader = RecordReader.from_settings(settings())
    with pytest.raises(NotFound):
        check_domain(
            reseller, AccountId(domain.account_id + 1), domain.id, reader=reader, clock=SystemClock()
        )
    assert not lookups.queries


def test_no_database_connection_is_held_while_dns_is_asked(
    lookups: Nameserver, reseller: ResellerRef, seal: Seal
) -> None:
    domain = add(reseller, seal)
    held: list[int] = []

    class Watching(RecordReader):
        async def texts(self, name: str) -> tuple[str, ...]:
            held.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
            return await super().texts(name)

    db.session.execute(text("SELECT 1"))
    db.session.rollback()
    reader = Watching.from_settings(settings())
    check_domain(reseller, domain.account_id, domain.id, reader=reader, clock=SystemClock())
    assert set(held) == {0}
