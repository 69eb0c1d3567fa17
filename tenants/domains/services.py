"""Verbs on sending domains, inside a reseller's session; the caller commits."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from platform_core.errors import AlreadyExists, InvalidInput
from platform_core.ids import AccountId, DomainId
from platform_core.mail.addresses import AddressSyntax, domain_to_ascii
from platform_core.security import Seal
from tenants.accounts.limits import Limit, require_room
from tenants.domains.findings import CheckResult
from tenants.domains.keys import generate_key, next_selector
from tenants.domains.queries import the_domain
from tenants.domains.records import Purpose
from tenants.models import DkimKey, Domain, DomainState, KeyState

LONGEST_DOMAIN = 230  # leaves room below RFC 1035's 253 for `s123._domainkey.` and the like
GRACE = timedelta(hours=24)  # how long a verified domain keeps sending after its DKIM record is gone

_NUMBER = re.compile(r"[0-9]+")


def parse_domain(text: str) -> str:
    """`text` as a lower-case domain in A-labels that one can send from. Raises InvalidInput."""
    try:
        name = domain_to_ascii(text.strip())
    except AddressSyntax as error:
        raise InvalidInput(
            "domain", f"{text.strip()[:100]!r} is not a domain name such as example.com."
        ) from error
    if "." not in name:
        raise InvalidInput("domain", f"{name} is not whole; a domain looks like example.com.")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        raise InvalidInput(
            "domain", f"{name} is an IP address; mail is sent from a domain such as example.com."
        )
    if len(name) > LONGEST_DOMAIN:
        raise InvalidInput("domain", f"The domain name may have at most {LONGEST_DOMAIN} characters.")
    return name


def add_domain(session: Session, account_id: AccountId, name: str, *, seal: Seal) -> Domain:
    """Add a pending domain with its first DKIM key. Raises InvalidInput, LimitReached, or AlreadyExists within the account."""
    domain = Domain(account_id=account_id, name=parse_domain(name))
    count = select(func.count()).where(Domain.account_id == account_id)
    require_room(session, account_id, Limit.DOMAINS, count=count)
    try:
        with session.begin_nested():
            session.add(domain)
    except IntegrityError as error:
        raise AlreadyExists(f"{domain.name} is a domain of this account already.") from error
    session.refresh(domain)
    _add_key(session, domain, KeyState.ACTIVE, seal)
    return domain


def remove_domain(session: Session, domain: Domain) -> None:
    """Remove the domain and its keys for good: mail from it is refused from the next message on."""
    session.delete(domain)
    session.flush()


def rotate_dkim_key(session: Session, domain: Domain, *, seal: Seal) -> DkimKey:
    """Make the key that takes over as soon as a check finds its record. Raises AlreadyExists when one waits already."""
    if any(key.state == KeyState.NEXT for key in domain.keys):
        raise AlreadyExists(f"A new key of {domain.name} is waiting already; publish its record first.")
    return _add_key(session, domain, KeyState.NEXT, seal)


def record_check(
    session: Session, domain_id: DomainId, results: Sequence[CheckResult], *, now: datetime
) -> Domain:
    """Write what a look at DNS came to: checks, keys, return path and state. Raises NotFound.

    A verified domain whose DKIM record fails stays verified for GRACE. What DNS left open (unsure) changes nothing. Locks
    the domain, since a person and the hourly job may have looked at the same time.
    """
    domain = the_domain(session, domain_id, lock=True)
    _activate_next_key(session, domain, results)
    _settle_state(domain, [result for result in results if result.host in _hosts_of_keys(domain)], now)
    _settle_return_path(domain, results)
    domain.checks = [result.as_row() for result in results]
    domain.checked_at = now
    session.flush()
    return domain


def _activate_next_key(session: Session, domain: Domain, results: Sequence[CheckResult]) -> None:
    """Let a new key sign once its record is found; its predecessor's signatures can still be checked for a while."""
    found = {result.host for result in results if result.ok}
    for key in domain.keys:
        if key.state == KeyState.NEXT and _host_of(key, domain) in found:
            for predecessor in domain.keys:
                if predecessor.state == KeyState.ACTIVE:
                    predecessor.state = KeyState.RETIRED
            session.flush()  # first, since only one key may be active
            key.state = KeyState.ACTIVE
            session.flush()
            return


def _settle_state(domain: Domain, dkim: Sequence[CheckResult], now: datetime) -> None:
    """`dkim`: the results for the key that signs."""
    if any(result.ok for result in dkim):
        domain.state = DomainState.VERIFIED
        domain.failing_since = None
    elif domain.state == DomainState.VERIFIED and any(result.failed for result in dkim):
        domain.failing_since = domain.failing_since or now
        if now - domain.failing_since >= GRACE:
            domain.state = DomainState.PENDING


def _settle_return_path(domain: Domain, results: Sequence[CheckResult]) -> None:
    """Without grace: until the CNAME is back, the reseller's own host is the envelope sender's."""
    for result in results:
        if result.purpose is Purpose.RETURN_PATH and (result.ok or result.failed):
            domain.return_path_verified = result.ok


def _hosts_of_keys(domain: Domain) -> set[str]:
    return {_host_of(key, domain) for key in domain.keys if key.state == KeyState.ACTIVE}


def _host_of(key: DkimKey, domain: Domain) -> str:
    return f"{key.selector}._domainkey.{domain.name}"


def _add_key(session: Session, domain: Domain, state: KeyState, seal: Seal) -> DkimKey:
    """Counts over every account of the reseller: two that share a domain need two records."""
    taken = session.scalars(
        select(DkimKey.selector)
        .join(Domain, Domain.id == DkimKey.domain_id)
        .where(Domain.name == domain.name)
    )
    selector = next_selector(taken)
    generated = generate_key(seal)
    key = DkimKey(
        domain_id=domain.id,
        selector=selector,
        state=state,
        public_key=generated.public_key,
        sealed_key=generated.sealed_key,
    )
    session.add(key)
    session.flush()
    session.refresh(domain, ["keys"])
    return key
