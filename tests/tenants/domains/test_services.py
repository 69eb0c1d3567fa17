"""Adding, checking, rotating and removing sending domains."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import AlreadyExists, InvalidInput
from platform_core.security import Seal
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.domains.findings import CheckResult, Finding, conclude
from tenants.domains.queries import due_for_check, plan_of, record_statuses
from tenants.domains.records import Purpose, records_to_publish
from tenants.domains.services import add_domain, record_check, remove_domain, rotate_dkim_key
from tenants.models import Domain, DomainState, KeyState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOST = "bounces.agency.example"


@pytest.fixture
def session(reseller: ResellerRef) -> Iterator[Session]:
    """Inside a fresh reseller; nothing is committed."""
    with tenant_session(reseller) as session:
        yield session


@pytest.fixture
def domain(session: Session, seal: Seal) -> Domain:
    return add_domain(session, main_account(session).id, "customer.example", seal=seal)


def results(domain: Domain, **findings: Finding) -> list[CheckResult]:
    """A result for each record of `domain`, named by its purpose; the key's is found unless said otherwise."""
    findings = {Purpose.DKIM: Finding.DKIM_FOUND} | findings
    return [
        conclude(record, findings.get(record.purpose, Finding.NO_ANSWER))
        for record in records_to_publish(plan_of(domain, HOST))
    ]


def check(session: Session, domain: Domain, at: datetime = NOW, **findings: Finding) -> Domain:
    return record_check(session, domain.id, results(domain, **findings), now=at)


def test_a_new_domain_waits_for_its_key(domain: Domain) -> None:
    assert domain.state == DomainState.PENDING
    assert [(key.selector[:3], key.state) for key in domain.keys] == [("s1-", KeyState.ACTIVE)]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Customer.Example. ", "customer.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
    ],
)
def test_names_are_kept_in_a_labels(session: Session, seal: Seal, given: str, kept: str) -> None:
    assert add_domain(session, main_account(session).id, given, seal=seal).name == kept


@pytest.mark.parametrize(
    "name",
    [
        "",
        "com",
        "localhost",
        "192.0.2.1",
        "[192.0.2.1]",
        "2001:db8::1",
        "a@b.example",
        "https://customer.example",
        "a..example",
        "-a.example",
        "a b.example",
        "a_b.example",
        ".".join(["a" * 60] * 4),
        "x" * 64 + ".example",
    ],
)
def test_what_is_no_domain_is_refused(session: Session, seal: Seal, name: str) -> None:
    with pytest.raises(InvalidInput):
        add_domain(session, main_account(session).id, name, seal=seal)


def test_a_domain_comes_once_in_an_account(session: Session, seal: Seal, domain: Domain) -> None:
    with pytest.raises(AlreadyExists):
        add_domain(session, domain.account_id, "CUSTOMER.example", seal=seal)


def test_two_accounts_with_one_domain_have_two_selectors(
    session: Session, seal: Seal, domain: Domain
) -> None:
    other = create_sub_account(session, NewAccount("Shop"))
    again = add_domain(session, other.id, domain.name, seal=seal)
    assert [key.selector[:3] for key in again.keys] == ["s2-"]


def test_its_key_found_makes_a_domain_verified(session: Session, domain: Domain) -> None:
    assert check(session, domain).state == DomainState.VERIFIED
    assert domain.checked_at == NOW


def test_a_key_not_found_leaves_it_pending(session: Session, domain: Domain) -> None:
    assert check(session, domain, dkim=Finding.DKIM_MISSING).state == DomainState.PENDING


def test_what_was_found_is_shown_beside_each_record(session: Session, domain: Domain) -> None:
    check(session, domain, dmarc=Finding.DMARC_MISSING)
    shown = {status.record.purpose: status.result for status in record_statuses(domain, HOST)}
    assert shown[Purpose.DKIM] and shown[Purpose.DKIM].finding is Finding.DKIM_FOUND
    assert shown[Purpose.DMARC] and shown[Purpose.DMARC].finding is Finding.DMARC_MISSING


def test_a_verified_domain_keeps_sending_for_24_hours_without_its_record(
    session: Session, domain: Domain
) -> None:
    check(session, domain)
    for hours in (1, 10, 24):
        check(session, domain, NOW + hours * HOUR, dkim=Finding.DKIM_MISSING)
        assert domain.state == DomainState.VERIFIED
    check(session, domain, NOW + 25 * HOUR, dkim=Finding.DKIM_OTHER_KEY)
    assert domain.state == DomainState.PENDING


def test_a_record_that_is_back_ends_the_grace(session: Session, domain: Domain) -> None:
    check(session, domain)
    check(session, domain, NOW + HOUR, dkim=Finding.DKIM_MISSING)
    check(session, domain, NOW + 2 * HOUR)
    check(session, domain, NOW + 30 * HOUR, dkim=Finding.DKIM_MISSING)
    assert domain.state == DomainState.VERIFIED
    assert domain.failing_since == NOW + 30 * HOUR


def test_an_unsure_look_never_begins_or_ends_anything(session: Session, domain: Domain) -> None:
    check(session, domain)
    check(session, domain, NOW + HOUR, dkim=Finding.NO_ANSWER)
    assert domain.failing_since is None
    check(session, domain, NOW + 2 * HOUR, dkim=Finding.DKIM_MISSING)
    check(session, domain, NOW + 50 * HOUR, dkim=Finding.NO_ANSWER)
    assert domain.state == DomainState.VERIFIED
    assert domain.failing_since == NOW + 2 * HOUR


@pytest.mark.parametrize(
    ("finding", "verified"),
    [
        (Finding.RETURN_PATH_FOUND, True),
        (Finding.RETURN_PATH_MISSING, False),
        (Finding.RETURN_PATH_ELSEWHERE, False),
        (Finding.NO_ANSWER, True),
    ],
)
def test_the_return_path_follows_each_sure_look(
    session: Session, domain: Domain, finding: Finding, verified: bool
) -> None:
    check(session, domain, return_path=Finding.RETURN_PATH_FOUND)
    check(session, domain, return_path=finding)
    assert domain.return_path_verified is verified


def test_a_new_key_takes_over_when_its_record_is_found(session: Session, domain: Domain, seal: Seal) -> None:
    check(session, domain)
    rotate_dkim_key(session, domain, seal=seal)
    check(session, domain, dkim_next=Finding.DKIM_MISSING)
    assert [key.state for key in domain.keys] == [KeyState.ACTIVE, KeyState.NEXT]
    check(session, domain, dkim_next=Finding.DKIM_FOUND)
    assert [key.state for key in domain.keys] == [KeyState.RETIRED, KeyState.ACTIVE]


def test_a_domain_stays_verified_through_a_rotation_that_drops_the_old_record_at_once(
    session: Session, domain: Domain, seal: Seal
) -> None:
    check(session, domain)
    rotate_dkim_key(session, domain, seal=seal)
    check(session, domain, dkim=Finding.DKIM_MISSING, dkim_next=Finding.DKIM_FOUND)
    assert domain.state == DomainState.VERIFIED
    assert domain.failing_since is None


def test_one_rotation_at_a_time(session: Session, domain: Domain, seal: Seal) -> None:
    rotate_dkim_key(session, domain, seal=seal)
    with pytest.raises(AlreadyExists):
        rotate_dkim_key(session, domain, seal=seal)


def test_a_removed_domain_takes_its_keys_along(session: Session, domain: Domain) -> None:
    remove_domain(session, domain)
    assert session.query(Domain).count() == 0


def due(session: Session, at: datetime) -> int:
    return len(due_for_check(session, at, limit=10))


def age(session: Session, domain: Domain, **moments: datetime | None) -> None:
    for name, moment in moments.items():
        setattr(domain, name, moment)
    session.flush()


def test_a_pending_domain_is_looked_at_hourly_for_14_days(session: Session, domain: Domain) -> None:
    age(session, domain, created_at=NOW, checked_at=NOW)
    assert due(session, NOW + HOUR / 2) == 0
    assert due(session, NOW + HOUR) == 1
    assert due(session, NOW + timedelta(days=13)) == 1
    assert due(session, NOW + timedelta(days=15)) == 0


def test_a_verified_domain_is_looked_at_daily(session: Session, domain: Domain) -> None:
    check(session, domain)
    assert due(session, NOW + 23 * HOUR) == 0
    assert due(session, NOW + 24 * HOUR) == 1
    assert due(session, NOW + timedelta(days=400)) == 1


def test_a_failing_domain_is_looked_at_hourly(session: Session, domain: Domain) -> None:
    check(session, domain)
    check(session, domain, dkim=Finding.DKIM_MISSING)
    assert due(session, NOW + HOUR) == 1


def test_a_domain_with_a_new_key_is_looked_at_hourly(session: Session, domain: Domain, seal: Seal) -> None:
    check(session, domain)
    rotate_dkim_key(session, domain, seal=seal).created_at = NOW
    session.flush()
    assert due(session, NOW + HOUR) == 1
