"""The reseller's own signature: it signs once its record is found, and not before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import InvalidInput, NotFound
from platform_core.resolvers import make_resolver
from platform_core.security import Seal
from platform_dev.nameserver import Nameserver
from relay_worker.delivery.dkim import SigningKey
from tenants.domains.reader import RecordReader
from tenants.models import DomainState
from tenants.resellers.signing_check import check_signing_domain
from tenants.resellers.signing_domain import (
    find_signing_domain,
    remove_signing_domain,
    set_signing_domain,
    signing_record,
    the_signing_domain,
)

SEAL = Seal("a-secret-key-for-tests-that-opens-nothing")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def session(reseller: ResellerRef) -> Iterator[Session]:
    with tenant_session(reseller) as session:
        yield session


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    with Nameserver() as nameserver:
        yield nameserver


def check(reseller: ResellerRef, nameserver: Nameserver, *, at: datetime = NOON) -> None:
    reader = RecordReader(make_resolver((nameserver.address,)))
    check_signing_domain(reseller, reader=reader, clock=StoppedClock(at))


def publish(session: Session, nameserver: Nameserver) -> None:
    record = signing_record(the_signing_domain(session)).record
    nameserver.records.set(record.host, "TXT", record.value)


def test_a_new_one_waits_for_its_record(session: Session) -> None:
    made = set_signing_domain(session, "Mail.Agency.EXAMPLE", seal=SEAL)
    record = signing_record(made).record
    assert (made.name, made.state) == ("mail.agency.example", DomainState.PENDING)
    assert record.host == f"{made.selector}._domainkey.mail.agency.example"
    assert SigningKey.from_pem(made.name, made.selector, SEAL.open(made.sealed_key))


def test_what_is_no_domain_is_refused(session: Session) -> None:
    with pytest.raises(InvalidInput):
        set_signing_domain(session, "192.0.2.1", seal=SEAL)


def test_the_same_name_keeps_its_key_unless_a_new_one_is_wanted(session: Session) -> None:
    first = set_signing_domain(session, "agency.example", seal=SEAL).selector
    assert set_signing_domain(session, "agency.example", seal=SEAL).selector == first
    assert set_signing_domain(session, "agency.example", seal=SEAL, new_key=True).selector != first


def test_it_is_verified_when_its_record_is_found(
    session: Session, reseller: ResellerRef, nameserver: Nameserver
) -> None:
    set_signing_domain(session, "agency.example", seal=SEAL)
    session.commit()
    check(reseller, nameserver)
    assert the_signing_domain(session).state == DomainState.PENDING
    publish(session, nameserver)
    session.commit()
    check(reseller, nameserver)
    assert the_signing_domain(session).state == DomainState.VERIFIED
    assert signing_record(the_signing_domain(session)).result is not None


def test_a_lost_record_is_forgiven_for_a_day(
    session: Session, reseller: ResellerRef, nameserver: Nameserver
) -> None:
    set_signing_domain(session, "agency.example", seal=SEAL).state = DomainState.VERIFIED
    session.commit()
    states = []
    for hours in (0, 23, 25):
        check(reseller, nameserver, at=NOON + timedelta(hours=hours))
        states.append(the_signing_domain(session).state)
        session.commit()
    assert states == [DomainState.VERIFIED, DomainState.VERIFIED, DomainState.PENDING]


def test_a_silent_nameserver_changes_nothing(session: Session, reseller: ResellerRef) -> None:
    set_signing_domain(session, "agency.example", seal=SEAL).state = DomainState.VERIFIED
    session.commit()
    with Nameserver() as gone:
        pass
    check(reseller, gone, at=NOON)
    check(reseller, gone, at=NOON + timedelta(days=3))
    assert the_signing_domain(session).state == DomainState.VERIFIED


def test_without_one_a_check_does_nothing(
    session: Session, reseller: ResellerRef, nameserver: Nameserver
) -> None:
    check(reseller, nameserver)
    assert find_signing_domain(session) is None
    with pytest.raises(NotFound):
        the_signing_domain(session)


def test_a_removed_one_is_gone(session: Session) -> None:
    remove_signing_domain(session, set_signing_domain(session, "agency.example", seal=SEAL))
    assert find_signing_domain(session) is None
