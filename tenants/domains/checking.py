"""A whole check of a sending domain: read, look into DNS with no session open, write. Needs an application context."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import NotFound
from platform_core.ids import AccountId, DomainId
from tenants.domains.dns import look_up
from tenants.domains.findings import CheckResult
from tenants.domains.queries import DueDomain, domain_of, plan_of
from tenants.domains.reader import RecordReader
from tenants.domains.records import DomainPlan
from tenants.domains.services import record_check
from tenants.hostnames.queries import hostname_for
from tenants.models import HostPurpose

Results = tuple[CheckResult, ...]


def check_domain(
    reseller: ResellerRef, account_id: AccountId, domain_id: DomainId, *, reader: RecordReader, clock: Clock
) -> Results:
    """Look at one domain of an account now, and keep what was found. Raises NotFound.

    Makes and commits transactions of its own: a slow nameserver must not hold a database connection.
    """
    host = return_path_host_of(reseller)
    with tenant_session(reseller) as session:
        plan = plan_of(domain_of(session, account_id, domain_id), host)
    results = asyncio.run(look_up(plan, reader))
    with tenant_session(reseller) as session:
        record_check(session, domain_id, results, now=clock.now())
        session.commit()
    return results


def check_domains(
    reseller: ResellerRef, due: Sequence[DueDomain], *, reader: RecordReader, clock: Clock
) -> int:
    """Look at all of `due` at once; says how many there still were. One that was removed meanwhile is passed over.

    Each is written by itself: two jobs at once would otherwise lock the same domains in different orders.
    """
    plans = _read_plans(reseller, due)
    found = asyncio.run(_look_up_all(list(plans.values()), reader))
    with tenant_session(reseller) as session:
        for domain_id, results in zip(plans, found, strict=True):
            try:
                record_check(session, domain_id, results, now=clock.now())
            except NotFound:
                continue
            session.commit()
    return len(plans)


def return_path_host_of(reseller: ResellerRef) -> str | None:
    """Where the reseller's bounces come back; read in a transaction of its own, as it is a row of the platform."""
    with Session(db.engine) as session:
        return hostname_for(session, reseller.id, HostPurpose.RETURN_PATH)


def _read_plans(reseller: ResellerRef, due: Sequence[DueDomain]) -> dict[DomainId, DomainPlan]:
    host = return_path_host_of(reseller)
    plans = {}
    with tenant_session(reseller) as session:
        for item in due:
            try:
                plans[item.domain_id] = plan_of(domain_of(session, item.account_id, item.domain_id), host)
            except NotFound:
                continue
    return plans


async def _look_up_all(plans: Sequence[DomainPlan], reader: RecordReader) -> list[Results]:
    return await asyncio.gather(*(look_up(plan, reader) for plan in plans))
