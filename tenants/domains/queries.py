"""Reads of sending domains, inside a reseller's session."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from platform_core.ids import AccountId, DomainId
from tenants.domains.findings import CheckResult
from tenants.domains.records import DnsRecord, DomainPlan, PublishedKey, records_to_publish
from tenants.models import DkimKey, Domain, DomainState, KeyState

# A little less than an hour and a day, so that the hourly job never comes a second too early and skips a turn.
HOURLY = timedelta(minutes=55)
DAILY = timedelta(hours=23, minutes=55)
PATIENCE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class RecordStatus:
    """A record to publish, and what the last look at it came to; None before the first."""

    record: DnsRecord
    result: CheckResult | None


@dataclass(frozen=True, slots=True)
class DueDomain:
    account_id: AccountId
    domain_id: DomainId


def domains_of(session: Session, account_id: AccountId) -> list[Domain]:
    """Every domain of an account, by name."""
    return list(session.scalars(select(Domain).where(Domain.account_id == account_id).order_by(Domain.name)))


def domain_of(session: Session, account_id: AccountId, domain_id: DomainId) -> Domain:
    """One domain, if it is this account's. Raises NotFound."""
    domain = session.get(Domain, domain_id)
    if domain is None or domain.account_id != account_id:
        raise NotFound("There is no such domain.")
    return domain


def domain_named(session: Session, account_id: AccountId, name: str) -> Domain:
    """The domain of this account with this name (lower-case A-labels). Raises NotFound."""
    domain = session.scalar(select(Domain).where(Domain.account_id == account_id, Domain.name == name))
    if domain is None:
        raise NotFound(f"{name} is not a domain of this account.")
    return domain


def the_domain(session: Session, domain_id: DomainId, *, lock: bool = False) -> Domain:
    """The domain with this id, of whatever account; `lock` until the transaction ends. Raises NotFound."""
    query = select(Domain).where(Domain.id == domain_id).execution_options(populate_existing=True)
    domain = session.scalar(query.with_for_update() if lock else query)
    if domain is None:
        raise NotFound("There is no such domain.")
    return domain


def plan_of(domain: Domain, return_path_host: str | None) -> DomainPlan:
    """What of `domain` is to stand in DNS. `return_path_host`: the reseller's, a row of the platform."""
    published = [key for key in domain.keys if key.state != KeyState.RETIRED]
    return DomainPlan(
        name=domain.name,
        keys=tuple(
            PublishedKey(key.selector, key.public_key, KeyState(key.state))
            for key in sorted(published, key=lambda key: key.state)  # active before next
        ),
        return_path_host=return_path_host,
        return_path_verified=domain.return_path_verified,
    )


def record_statuses(domain: Domain, return_path_host: str | None) -> tuple[RecordStatus, ...]:
    """The records to publish with the last results, as a page shows them."""
    results = {result.host: result for result in map(CheckResult.from_row, domain.checks)}
    records = records_to_publish(plan_of(domain, return_path_host))
    return tuple(RecordStatus(record, results.get(record.host)) for record in records)


def due_for_check(session: Session, now: datetime, *, limit: int) -> list[DueDomain]:
    """Domains that it is time to look at, the longest unseen first.

    Verified ones daily. Hourly, for 14 days: pending ones, those that have begun to fail, and those with a new key that
    waits for its record.
    """
    waiting_key = select(DkimKey.id).where(
        DkimKey.domain_id == Domain.id,
        DkimKey.state == KeyState.NEXT,
        DkimKey.created_at > now - PATIENCE,
    )
    expected = or_(
        and_(Domain.state == DomainState.PENDING, Domain.created_at > now - PATIENCE),
        Domain.failing_since > now - PATIENCE,
        waiting_key.exists(),
    )
    due = or_(
        and_(expected, Domain.checked_at <= now - HOURLY),
        and_(Domain.state == DomainState.VERIFIED, Domain.checked_at <= now - DAILY),
        and_(Domain.checked_at.is_(None), Domain.created_at > now - PATIENCE),
    )
    query = (
        select(Domain.account_id, Domain.id)
        .where(due)
        .order_by(func.coalesce(Domain.checked_at, Domain.created_at))
    )
    return [DueDomain(account_id, domain_id) for account_id, domain_id in session.execute(query.limit(limit))]
