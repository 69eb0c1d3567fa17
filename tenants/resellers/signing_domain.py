"""The reseller's own domain that signs all its mail beside its customers' domains; inside its session, the caller commits."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from platform_core.security import Seal
from tenants.domains.findings import CheckResult
from tenants.domains.keys import generate_key, next_selector
from tenants.domains.queries import RecordStatus
from tenants.domains.records import DomainPlan, PublishedKey, dkim_record
from tenants.domains.services import GRACE, parse_domain
from tenants.models import DomainState, KeyState, SigningDomain


def find_signing_domain(session: Session, *, lock: bool = False) -> SigningDomain | None:
    """The reseller's, None while it has none; `lock` until the transaction ends."""
    query = select(SigningDomain).execution_options(populate_existing=True)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def the_signing_domain(session: Session) -> SigningDomain:
    """Raises NotFound."""
    found = find_signing_domain(session)
    if found is None:
        raise NotFound("There is no signing domain; set one first.")
    return found


def set_signing_domain(session: Session, name: str, *, seal: Seal, new_key: bool = False) -> SigningDomain:
    """Sign as this domain as soon as its record is found. Raises InvalidInput.

    Another name, or `new_key`, makes a new key; until that one is found only the customers' domains sign.
    """
    parsed = parse_domain(name)
    found = find_signing_domain(session, lock=True)
    if found is not None and found.name == parsed and not new_key:
        return found
    taken = [found.selector] if found is not None else []
    if found is not None:
        session.delete(found)
        session.flush()
    key = generate_key(seal)
    made = SigningDomain(
        name=parsed,
        selector=next_selector(taken),
        public_key=key.public_key,
        sealed_key=key.sealed_key,
    )
    session.add(made)
    session.flush()
    session.refresh(made)
    return made


def remove_signing_domain(session: Session, found: SigningDomain) -> None:
    """Only the customers' domains sign from then on; the key is gone."""
    session.delete(found)
    session.flush()


def signing_plan(found: SigningDomain) -> DomainPlan:
    """What of it stands in DNS: one key. Mail comes from it no more than from any other domain, so it needs no SPF."""
    key = PublishedKey(found.selector, found.public_key, KeyState.ACTIVE)
    return DomainPlan(found.name, (key,), return_path_host=None, return_path_verified=True)


def signing_record(found: SigningDomain) -> RecordStatus:
    """The record to publish, with what the last look at it came to."""
    (key,) = signing_plan(found).keys
    record = dkim_record(found.name, key)
    results = {result.host: result for result in map(CheckResult.from_row, found.checks)}
    return RecordStatus(record, results.get(record.host))


def record_signing_check(
    session: Session, selector: str, results: Sequence[CheckResult], *, now: datetime
) -> None:
    """Write what a look at DNS came to; a key that was replaced meanwhile is left alone.

    What has signed goes on for GRACE after its record is gone, like a customer's domain.
    """
    found = find_signing_domain(session, lock=True)
    if found is None or found.selector != selector:
        return
    host = signing_record(found).record.host
    about_key = [result for result in results if result.host == host]
    if any(result.ok for result in about_key):
        found.state = DomainState.VERIFIED
        found.failing_since = None
    elif found.state == DomainState.VERIFIED and any(result.failed for result in about_key):
        found.failing_since = found.failing_since or now
        if now - found.failing_since >= GRACE:
            found.state = DomainState.PENDING
    found.checks = [result.as_row() for result in about_key]
    found.checked_at = now
    session.flush()
