"""Finding TLSA records: only where DNSSEC vouches for every step."""

import asyncio

import pytest

from platform_core.resolvers import make_resolver
from platform_dev.nameserver import Nameserver
from platform_dev.zone import Fault
from relay_worker.delivery.destination import MailServer
from relay_worker.delivery.tls.dane import DaneLookup
from relay_worker.delivery.tls.tlsa import HostTlsa, Tlsa

DIGEST = "ab" * 32
KEY = Tlsa(3, 1, 1, bytes.fromhex(DIGEST))


@pytest.fixture
def zone(nameserver: Nameserver) -> Nameserver:
    """shop.test with one server and its record, all of it validated."""
    nameserver.records.set("shop.test", "MX", "10 mx.shop.test.")
    nameserver.records.set("mx.shop.test", "A", "127.0.0.1")
    nameserver.records.set("_25._tcp.mx.shop.test", "TLSA", f"3 1 1 {DIGEST}")
    nameserver.records.validate("shop.test")
    return nameserver


def find(zone: Nameserver, *hosts: str, domain: str = "shop.test", port: int = 25) -> tuple[HostTlsa, ...]:
    servers = [MailServer(host, "127.0.0.1", port) for host in hosts or ("mx.shop.test",)]
    return asyncio.run(DaneLookup(make_resolver((zone.address,))).find(domain, servers))[0]


def test_records_of_a_server_are_found(zone: Nameserver) -> None:
    assert find(zone) == (HostTlsa("mx.shop.test", "mx.shop.test", ("mx.shop.test", "shop.test"), (KEY,)),)


def test_records_are_those_of_the_servers_port(zone: Nameserver) -> None:
    zone.records.set("_2525._tcp.mx.shop.test", "TLSA", f"2 0 2 {DIGEST * 2}")
    assert find(zone, port=2525)[0].records == (Tlsa(2, 0, 2, bytes.fromhex(DIGEST * 2)),)


def test_a_server_without_records_does_not_use_dane(zone: Nameserver) -> None:
    zone.records.remove("_25._tcp.mx.shop.test")
    assert find(zone) == ()


def test_a_server_that_an_unsigned_mx_record_names_proves_nothing(zone: Nameserver) -> None:
    zone.records.set("plain.test", "MX", "10 mx.shop.test.")
    assert find(zone, domain="plain.test") == ()
    assert ("_25._tcp.mx.shop.test", "TLSA") not in zone.queries


def test_an_unsigned_server_is_not_asked_for_records(zone: Nameserver) -> None:
    zone.records.set("mx.plain.test", "A", "127.0.0.1")
    zone.records.set("_25._tcp.mx.plain.test", "TLSA", f"3 1 1 {DIGEST}")
    assert [found.host for found in find(zone, "mx.plain.test", "mx.shop.test")] == ["mx.shop.test"]
    assert ("_25._tcp.mx.plain.test", "TLSA") not in zone.queries


def test_records_that_an_alias_takes_out_of_the_signed_zone_prove_nothing(zone: Nameserver) -> None:
    zone.records.remove("_25._tcp.mx.shop.test")
    zone.records.set("_25._tcp.mx.shop.test", "CNAME", "tlsa.plain.test.")
    zone.records.set("tlsa.plain.test", "TLSA", f"3 1 1 {DIGEST}")
    assert find(zone) == ()


def test_a_domain_that_is_its_own_mail_server_may_use_dane(zone: Nameserver) -> None:
    zone.records.remove("shop.test", "MX")
    zone.records.set("shop.test", "A", "127.0.0.1")
    zone.records.set("_25._tcp.shop.test", "TLSA", f"3 1 1 {DIGEST}")
    assert find(zone, "shop.test")[0].records == (KEY,)


@pytest.mark.parametrize("name", ["shop.test", "mx.shop.test", "_25._tcp.mx.shop.test"])
def test_an_answer_that_cannot_be_validated_makes_the_server_unusable(name: str, zone: Nameserver) -> None:
    zone.records.fail(name, Fault.SERVFAIL)
    assert find(zone) == (HostTlsa("mx.shop.test", "mx.shop.test", bogus=True),)


def test_one_server_that_cannot_be_validated_leaves_the_others_usable(zone: Nameserver) -> None:
    zone.records.set("mx2.shop.test", "A", "127.0.0.1")
    zone.records.fail("_25._tcp.mx2.shop.test", Fault.SERVFAIL)
    assert [found.bogus for found in find(zone, "mx.shop.test", "mx2.shop.test")] == [False, True]


def test_an_alias_leads_to_the_records_of_its_end(zone: Nameserver) -> None:
    zone.records.set("alias.shop.test", "CNAME", "mx.shop.test.")
    found = find(zone, "alias.shop.test")[0]
    assert (found.base, found.records) == ("mx.shop.test", (KEY,))
    assert found.names == ("mx.shop.test", "alias.shop.test", "shop.test")


def test_an_alias_has_its_own_records_where_its_end_has_none(zone: Nameserver) -> None:
    zone.records.set("alias.shop.test", "CNAME", "bare.shop.test.")
    zone.records.set("bare.shop.test", "A", "127.0.0.1")
    zone.records.set("_25._tcp.alias.shop.test", "TLSA", f"3 1 1 {DIGEST}")
    assert find(zone, "alias.shop.test")[0].base == "alias.shop.test"


def test_records_are_kept_as_long_as_they_may_be(zone: Nameserver) -> None:
    def kept(ttl: int) -> float:
        zone.records.set("_25._tcp.mx.shop.test", "TLSA", f"3 1 1 {DIGEST}", ttl=ttl)
        lookup = DaneLookup(make_resolver((zone.address,)))
        return asyncio.run(lookup.find("shop.test", [MailServer("mx.shop.test", "127.0.0.1", 25)]))[1]

    assert [kept(ttl) for ttl in (0, 60, 86_400)] == [15, 60, 900]
