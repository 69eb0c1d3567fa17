"""Verbs on addresses and block lists. They work on the platform's session; the caller commits."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.mail.addresses import AddressSyntax, domain_to_ascii
from relay_worker.addresses.checks.ptr import PtrFinding
from relay_worker.addresses.models import DnsblZone, IpAddress, IpPool
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.queries import all_zones
from relay_worker.addresses.rented.queries import is_rented
from relay_worker.addresses.states import (
    TRANSITIONS,
    AddressState,
    ListingEffect,
    PtrState,
    standing_of,
)
from relay_worker.addresses.warmup.ladder import FIRST, LADDER
from relay_worker.addresses.warmup.services import begin_warmup, end_warmup
from tenants.resellers.services import record_audit


def parse_ip(text: str) -> str:
    """The address in its canonical form. Raises InvalidInput."""
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        raise InvalidInput("address", f"{text.strip()!r} is no IP address.") from None
    if found.version == 6 and (found.scope_id or found.ipv4_mapped):
        raise InvalidInput(
            "address", "An IPv6 address without a scope, and no IPv4 address inside, is needed."
        )
    if found.is_unspecified or found.is_multicast:
        raise InvalidInput("address", f"Nothing can be sent from {found}.")
    return str(found)


def parse_helo(text: str) -> str:
    """The EHLO name in lower-case A-labels. Raises InvalidInput: RFC 5321 2.3.5 wants a full name."""
    try:
        name = domain_to_ascii(text.strip())
    except AddressSyntax:
        name = ""
    if "." not in name:
        raise InvalidInput("helo", f"{text.strip()!r} is no full host name, such as mta1.example.com.")
    return name


@dataclass(frozen=True, slots=True)
class NewAddress:
    """An address as people enter it. `warm_up`: it starts on the ladder, up to `peak_per_day` recipients."""

    address: str
    helo: str
    warm_up: bool = True
    peak_per_day: int | None = None


def add_address(session: Session, pool: IpPool, new: NewAddress, *, clock: Clock, actor: str) -> IpAddress:
    """Put a new address into a pool; it sends from the next refresh of the workers on.

    Raises InvalidInput or AlreadyExists; roll back after either.
    """
    if new.peak_per_day is not None and new.peak_per_day < LADDER[0]:
        raise InvalidInput("peak", f"Warm-up begins with {LADDER[0]} a day; the peak can't be lower.")
    added = IpAddress(
        address=parse_ip(new.address),
        pool=pool,
        helo=parse_helo(new.helo),
        peak_per_day=new.peak_per_day,
        listings=[],
    )
    try:
        session.add(added)
        session.flush()
    except IntegrityError as error:
        raise AlreadyExists(f"{added.address} is in our pools already.") from error
    if new.warm_up:
        begin_warmup(session, added, clock=clock)
    _audit(session, actor, "ip.add", added, pool=pool.name, helo=added.helo)
    return added


def pause_address(session: Session, address: IpAddress, *, actor: str) -> None:
    """Nothing more is sent from it until it is resumed; its warm-up waits."""
    _move_to(session, address, AddressState.PAUSED, actor, "ip.pause")


def resume_address(session: Session, address: IpAddress, *, actor: str) -> None:
    """It sends again."""
    _move_to(session, address, AddressState.ACTIVE, actor, "ip.resume")


def retire_address(session: Session, address: IpAddress, *, actor: str) -> None:
    """It is no longer ours; what it did stays known."""
    _move_to(session, address, AddressState.RETIRED, actor, "ip.retire")


def move_address(session: Session, address: IpAddress, pool: IpPool, *, actor: str) -> None:
    """Put it into another pool. Raises InvalidInput while it is rented: who pays for it alone sends from it."""
    if is_rented(session, address.id):
        raise InvalidInput("address", f"{address.address} is rented; it goes back when its order ends.")
    address.pool = pool
    session.flush()
    _audit(session, actor, "ip.move", address, pool=pool.name)


def change_helo(session: Session, address: IpAddress, helo: str, *, actor: str) -> None:
    """What it calls itself from now on. What was found out about the old name no longer counts. Raises InvalidInput."""
    address.helo = parse_helo(helo)
    address.helo_confirmed = None
    session.flush()
    _audit(session, actor, "ip.helo", address, helo=address.helo)


def start_warmup(
    session: Session,
    address: IpAddress,
    *,
    clock: Clock,
    actor: str,
    providers: Iterable[Provider] = tuple(Provider),
    stage: int = FIRST,
) -> None:
    """Put it on the ladder at `stage`, anew where it stands there already."""
    begin_warmup(session, address, clock=clock, providers=providers, stage=stage)
    _audit(session, actor, "ip.warmup_start", address, stage=str(stage))


def stop_warmup(session: Session, address: IpAddress, *, actor: str) -> None:
    """Take it for warm."""
    end_warmup(session, address)
    _audit(session, actor, "ip.warmup_stop", address)


def _move_to(session: Session, address: IpAddress, state: AddressState, actor: str, action: str) -> None:
    """Raises InvalidInput when it can't come to `state` from where it is."""
    if state not in TRANSITIONS[AddressState(address.state)]:
        raise InvalidInput("state", f"{address.address} is {address.state}.")
    address.state = state
    session.flush()
    _audit(session, actor, action, address)


def _audit(session: Session, actor: str, action: str, address: IpAddress, **detail: str) -> None:
    record_audit(session, actor, action, None, address=address.address, **detail)


# --- what the checks found ---


def record_check(
    session: Session,
    ip_id: int,
    ptr: PtrFinding,
    listings: Mapping[str, bool | None],
    *,
    now: datetime,
) -> None:
    """Keep what DNS said; where it said nothing, what was known before goes on to hold. A vanished address is passed over."""
    address = session.get(IpAddress, ip_id, with_for_update=True)
    if address is None:
        return
    if ptr.state is not PtrState.UNKNOWN:
        address.ptr_state, address.ptr_name = ptr.state, ptr.name
    if ptr.helo_confirmed is not None:
        address.helo_confirmed = ptr.helo_confirmed
    before = set(address.listings)
    address.listings = sorted(
        zone for zone, listed in listings.items() if listed or (listed is None and zone in before)
    )
    address.checked_at = now
    _judge(address, {zone.zone: zone for zone in all_zones(session)})
    session.flush()


def set_zone(
    session: Session, zone: str, name: str, effect: ListingEffect, *, ipv6: bool, actor: str
) -> DnsblZone:
    """Look into this block list from the next check on, or change what being listed there does. Raises InvalidInput."""
    try:
        zone = domain_to_ascii(zone)
    except AddressSyntax:
        raise InvalidInput("zone", f"{zone!r} is no domain name.") from None
    kept = session.merge(
        DnsblZone(zone=zone, name=name.strip() or zone, effect=effect, ipv6=ipv6, source=actor)
    )
    session.flush()
    _judge_all(session)
    record_audit(session, actor, "dnsbl.set", None, zone=zone, effect=effect)
    return kept


def remove_zone(session: Session, zone: str, *, actor: str) -> None:
    """Look into it no more; its listings are forgotten. Raises NotFound."""
    found = session.get(DnsblZone, zone)
    if found is None:
        raise NotFound(f"{zone} is no block list that we look into.")
    session.delete(found)
    session.flush()
    _judge_all(session)
    record_audit(session, actor, "dnsbl.remove", None, zone=zone)


def _judge_all(session: Session) -> None:
    zones = {zone.zone: zone for zone in all_zones(session)}
    for address in session.scalars(select(IpAddress).order_by(IpAddress.id).with_for_update()):
        address.listings = [zone for zone in address.listings if zone in zones]
        _judge(address, zones)
    session.flush()


def _judge(address: IpAddress, zones: Mapping[str, DnsblZone]) -> None:
    effects = frozenset(ListingEffect(zones[zone].effect) for zone in address.listings if zone in zones)
    address.standing = standing_of(PtrState(address.ptr_state), effects)
