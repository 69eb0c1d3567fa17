"""A look at the addresses from end to end: the real database, a real nameserver, what is kept and what comes of it."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from platform_core.clock import StoppedClock, SystemClock
from platform_core.resolvers import make_resolver
from platform_core.settings import settings
from platform_dev.nameserver import Nameserver
from platform_dev.zone import Fault
from relay_worker.addresses.checks import look
from relay_worker.addresses.checks.dnsbl import query_name
from relay_worker.addresses.checks.look import look_at_addresses
from relay_worker.addresses.checks.names import Names
from relay_worker.addresses.jobs import KEPT_FOR, keep_addresses
from relay_worker.addresses.models import IpAddress
from relay_worker.addresses.overview import AddressOverview, every_address
from relay_worker.addresses.queries import hours_of
from relay_worker.addresses.services import remove_zone, retire_address, set_zone
from relay_worker.addresses.states import ListingEffect, PtrState, Standing
from relay_worker.addresses.tally import Tally
from tests.relay_worker.addresses.conftest import AddResult, MakeAddress
from tests.relay_worker.addresses.fakes import NOON

SPAMHAUS, SPAMCOP = "zen.spamhaus.org", "bl.spamcop.net"


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    with Nameserver() as nameserver:
        nameserver.records.set("1.2.0.192.in-addr.arpa", "PTR", "mta1.example.net.")
        nameserver.records.set("mta1.example.net", "A", "192.0.2.1")
        yield nameserver


@pytest.fixture
def names(nameserver: Nameserver) -> Names:
    return Names(make_resolver((nameserver.address,)))


def seen(rows: Session) -> AddressOverview:
    rows.expire_all()
    return every_address(rows, NOON)[0]


def list_in(nameserver: Nameserver, zone: str) -> None:
    nameserver.records.set(query_name("192.0.2.1", zone), "A", "127.0.0.2")


def test_a_sound_address_keeps_its_standing(
    rows: Session, ip: MakeAddress, names: Names, clock: StoppedClock
) -> None:
    ip()
    assert look_at_addresses(names, clock) == 1
    found = seen(rows)
    assert (found.ptr, found.ptr_name, found.helo_confirmed) == (PtrState.CONFIRMED, "mta1.example.net", True)
    assert (found.standing, found.listings, found.checked_at) == (Standing.SOUND, (), NOON)
    assert found.reputation.score == 100


def test_listings_are_kept_shown_and_held_against_it(
    rows: Session, ip: MakeAddress, nameserver: Nameserver, names: Names, clock: StoppedClock
) -> None:
    ip()
    list_in(nameserver, SPAMCOP)
    look_at_addresses(names, clock)
    assert (seen(rows).standing, seen(rows).listings) == (Standing.FLAWED, ("SpamCop",))
    list_in(nameserver, SPAMHAUS)
    look_at_addresses(names, clock)
    assert (seen(rows).standing, seen(rows).reputation.score) == (Standing.STOPPED, 50)
    nameserver.records.remove(query_name("192.0.2.1", SPAMHAUS))
    nameserver.records.remove(query_name("192.0.2.1", SPAMCOP))
    look_at_addresses(names, clock)
    assert (seen(rows).standing, seen(rows).listings) == (Standing.SOUND, ())


def test_while_dns_is_silent_what_was_known_holds(
    rows: Session, ip: MakeAddress, nameserver: Nameserver, names: Names, clock: StoppedClock
) -> None:
    ip()
    list_in(nameserver, SPAMHAUS)
    look_at_addresses(names, clock)
    for name in query_name("192.0.2.1", SPAMHAUS), "1.2.0.192.in-addr.arpa", "mta1.example.net":
        nameserver.records.fail(name, Fault.SERVFAIL)
    look_at_addresses(names, clock)
    found = seen(rows)
    assert (found.standing, found.ptr, found.helo_confirmed) == (Standing.STOPPED, PtrState.CONFIRMED, True)


def test_a_silent_dns_is_not_waited_for_and_changes_nothing(
    rows: Session,
    ip: MakeAddress,
    nameserver: Nameserver,
    names: Names,
    clock: StoppedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ip()
    look_at_addresses(names, clock)
    monkeypatch.setattr(look, "LOOK_SECONDS", 0.2)
    nameserver.records.fail("1.2.0.192.in-addr.arpa", Fault.SILENCE)
    assert look_at_addresses(names, clock) == 0
    assert seen(rows).ptr is PtrState.CONFIRMED


def test_what_a_list_does_is_the_operators_choice(
    rows: Session, ip: MakeAddress, nameserver: Nameserver, names: Names, clock: StoppedClock
) -> None:
    ip()
    zone = "lists.example.test"
    set_zone(rows, zone, "Ours", ListingEffect.STOP, ipv6=False, actor="tests")
    rows.commit()
    list_in(nameserver, zone)
    look_at_addresses(names, clock)
    assert seen(rows).standing is Standing.STOPPED
    set_zone(rows, zone, "Ours", ListingEffect.SHOW, ipv6=False, actor="tests")
    assert seen(rows).standing is Standing.SOUND
    remove_zone(rows, zone, actor="tests")
    rows.commit()
    assert seen(rows).listings == ()


def test_ipv6_is_asked_only_of_lists_that_know_it(
    rows: Session, ip: MakeAddress, nameserver: Nameserver, names: Names, clock: StoppedClock
) -> None:
    ip("2001:db8::1")
    look_at_addresses(names, clock)
    asked = {name for name, kind in nameserver.queries if name.startswith("1.0.0.0.") and kind == "A"}
    assert asked and all(name.rstrip(".").endswith(SPAMHAUS) for name in asked)


def test_retired_addresses_are_left_alone(
    rows: Session, ip: MakeAddress, names: Names, clock: StoppedClock
) -> None:
    retire_address(rows, ip(), actor="tests")
    rows.commit()
    assert look_at_addresses(names, clock) == 0


def test_the_hourly_job_looks_judges_and_forgets(
    rows: Session, ip: MakeAddress, nameserver: Nameserver, result: AddResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    address: IpAddress = ip()
    now = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    result(address, now, Tally(delivered=1))
    result(address, now - 2 * KEPT_FOR, Tally(delivered=1))
    monkeypatch.setenv("FRANKPOST_NAMESERVERS", nameserver.address)
    settings.cache_clear()
    try:
        keep_addresses()
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert list(hours_of(rows, address.id, now - 3 * KEPT_FOR)) == [now]
    assert seen(rows).ptr is PtrState.CONFIRMED
