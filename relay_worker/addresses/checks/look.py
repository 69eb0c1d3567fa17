"""A whole look at addresses: read, ask DNS with no session open, write. Needs an application context."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.database import db
from relay_worker.addresses.checks.dnsbl import is_listed
from relay_worker.addresses.checks.names import Names
from relay_worker.addresses.checks.ptr import PtrFinding, check_ptr
from relay_worker.addresses.queries import all_addresses, all_zones
from relay_worker.addresses.services import record_check
from relay_worker.addresses.states import AddressState

AT_ONCE = 20  # addresses; some five questions each
LOOK_SECONDS = 20.0  # at one address; where DNS is silent for longer, what was known holds

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Subject:
    """An address to look at, and the zones to look into."""

    ip_id: int
    address: str
    helo: str
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What DNS said of an address. `listings`: by zone; None where the zone did not say."""

    ip_id: int
    ptr: PtrFinding
    listings: dict[str, bool | None]


def look_at_addresses(names: Names, clock: Clock, only: str | None = None) -> int:
    """Look at every address that is not retired, or at one; says for how many DNS answered in time.

    Makes and commits transactions of its own: a slow nameserver must not hold a database connection.
    """
    with Session(db.engine) as session:
        subjects = _subjects(session, only)
    findings = asyncio.run(_look(subjects, names))
    with Session(db.engine) as session:
        for found in findings:
            record_check(session, found.ip_id, found.ptr, found.listings, now=clock.now())
        session.commit()
    return len(findings)


def _subjects(session: Session, only: str | None) -> list[Subject]:
    zones = all_zones(session)
    return [
        Subject(
            one.id, one.address, one.helo, tuple(z.zone for z in zones if z.ipv6 or ":" not in one.address)
        )
        for one in all_addresses(session)
        if one.state != AddressState.RETIRED and only in (None, one.address)
    ]


async def _look(subjects: Sequence[Subject], names: Names) -> list[Findings]:
    """Without those for which DNS took too long."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def look(subject: Subject) -> Findings | None:
        async with turn:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    return await _look_at(subject, names)
            except TimeoutError:
                log.warning("address.dns_silent", address=subject.address)
                return None

    found = await asyncio.gather(*(look(subject) for subject in subjects))
    return [findings for findings in found if findings is not None]


async def _look_at(subject: Subject, names: Names) -> Findings:
    ptr, listed = await asyncio.gather(
        check_ptr(subject.address, subject.helo, names),
        asyncio.gather(*(is_listed(subject.address, zone, names) for zone in subject.zones)),
    )
    return Findings(subject.ip_id, ptr, dict(zip(subject.zones, listed, strict=True)))
