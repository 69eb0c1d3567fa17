"""Addresses as people see them: with their warm-up, their reputation and what lowers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from platform_core.ids import ResellerId
from relay_worker.addresses.models import DnsblZone, IpAddress
from relay_worker.addresses.queries import all_addresses, all_zones, own_addresses, tallies_since, week_before
from relay_worker.addresses.reputation import Evidence, Reputation, reputation_of
from relay_worker.addresses.states import AddressState, ListingEffect, PtrState, Standing
from relay_worker.addresses.tally import Tally
from relay_worker.addresses.warmup.queries import WarmupProgress, warmups_of


@dataclass(frozen=True, slots=True)
class AddressOverview:
    """One address. `week`: what came of the last 7 days; `listings`: names of the lists it is on; `warmups`: by provider."""

    id: int
    address: str
    helo: str
    pool_id: int
    pool: str
    state: AddressState
    standing: Standing
    ptr: PtrState
    ptr_name: str
    helo_confirmed: bool | None
    listings: tuple[str, ...]
    checked_at: datetime | None
    week: Tally
    reputation: Reputation
    warmups: tuple[WarmupProgress, ...]

    @property
    def warming(self) -> bool:
        return any(not one.finished for one in self.warmups)


def every_address(session: Session, now: datetime) -> list[AddressOverview]:
    """For staff."""
    return _overviews(session, all_addresses(session), now)


def dedicated_addresses(session: Session, reseller_id: ResellerId, now: datetime) -> list[AddressOverview]:
    """For a reseller: those that are dedicated to it, and no others."""
    return _overviews(session, own_addresses(session, reseller_id), now)


def _overviews(session: Session, found: Sequence[IpAddress], now: datetime) -> list[AddressOverview]:
    zones = {zone.zone: zone for zone in all_zones(session)}
    weeks = tallies_since(session, week_before(now))
    warmups = warmups_of(session, [one.id for one in found], now)
    return [_overview(one, zones, weeks.get(one.id, Tally()), warmups.get(one.id, ())) for one in found]


def _overview(
    row: IpAddress, zones: dict[str, DnsblZone], week: Tally, warmups: tuple[WarmupProgress, ...]
) -> AddressOverview:
    listed = [zones[zone] for zone in row.listings if zone in zones]
    ptr = PtrState(row.ptr_state)
    evidence = Evidence(week, ptr, row.helo_confirmed, tuple(ListingEffect(zone.effect) for zone in listed))
    return AddressOverview(
        id=row.id,
        address=row.address,
        helo=row.helo,
        pool_id=row.pool_id,
        pool=row.pool.name,
        state=AddressState(row.state),
        standing=Standing(row.standing),
        ptr=ptr,
        ptr_name=row.ptr_name,
        helo_confirmed=row.helo_confirmed,
        listings=tuple(zone.name for zone in listed),
        checked_at=row.checked_at,
        week=week,
        reputation=reputation_of(evidence),
        warmups=warmups,
    )
