"""A whole check of a reseller's signing domain: read, look into DNS with no session open, write."""

import asyncio

from platform_core.clock import Clock
from platform_core.database import ResellerRef, tenant_session
from tenants.domains.dns import look_up
from tenants.domains.reader import RecordReader
from tenants.resellers.signing_domain import find_signing_domain, record_signing_check, signing_plan


def check_signing_domain(reseller: ResellerRef, *, reader: RecordReader, clock: Clock) -> None:
    """Look now, if there is such a domain. Makes and commits transactions of its own. Needs an application context."""
    with tenant_session(reseller) as session:
        found = find_signing_domain(session)
        if found is None:
            return
        plan = signing_plan(found)
    results = asyncio.run(look_up(plan, reader))
    with tenant_session(reseller) as session:
        record_signing_check(session, plan.keys[0].selector, results, now=clock.now())
        session.commit()
