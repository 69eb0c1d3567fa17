"""Reverse names and block lists, asked of a real nameserver."""

import asyncio
from collections.abc import Iterator

import pytest

from platform_core.resolvers import make_resolver
from platform_dev.nameserver import Nameserver
from platform_dev.zone import Fault
from relay_worker.addresses.checks.dnsbl import is_listed, query_name
from relay_worker.addresses.checks.names import Names
from relay_worker.addresses.checks.ptr import PtrFinding, check_ptr
from relay_worker.addresses.states import PtrState

IPV4, IPV6 = "192.0.2.99", "2001:db8:1:2:3:4:567:89ab"
ARPA = "99.2.0.192.in-addr.arpa"
HELO = "mta1.example.net"
ZONE = "bl.example.test"


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    with Nameserver() as nameserver:
        yield nameserver


@pytest.fixture
def names(nameserver: Nameserver) -> Names:
    return Names(make_resolver((nameserver.address,)))


def ptr(names: Names, address: str = IPV4) -> PtrFinding:
    return asyncio.run(check_ptr(address, HELO, names))


def listed(names: Names, address: str = IPV4) -> bool | None:
    return asyncio.run(is_listed(address, ZONE, names))


def test_a_name_that_leads_back_is_confirmed(nameserver: Nameserver, names: Names) -> None:
    nameserver.records.set(ARPA, "PTR", "other.example.net.", f"{HELO}.")
    nameserver.records.set(HELO, "A", IPV4)
    assert ptr(names) == PtrFinding(PtrState.CONFIRMED, HELO, True)


def test_a_name_that_leads_elsewhere_is_not_confirmed(nameserver: Nameserver, names: Names) -> None:
    nameserver.records.set(ARPA, "PTR", f"{HELO}.")
    nameserver.records.set(HELO, "A", "192.0.2.98")
    assert ptr(names) == PtrFinding(PtrState.UNCONFIRMED, HELO, False)


def test_an_address_without_a_name_lacks_it(names: Names) -> None:
    assert ptr(names) == PtrFinding(PtrState.MISSING, "", False)


def test_a_fault_of_dns_is_held_against_nobody(nameserver: Nameserver, names: Names) -> None:
    nameserver.records.fail(ARPA, Fault.SERVFAIL)
    nameserver.records.fail(HELO, Fault.REFUSED)
    assert ptr(names) == PtrFinding(PtrState.UNKNOWN, "", None)
    nameserver.records.mend(ARPA)
    nameserver.records.set(ARPA, "PTR", f"{HELO}.")
    assert ptr(names) == PtrFinding(PtrState.UNKNOWN, "", None)


def test_an_ipv6_address_is_confirmed_in_either_spelling(nameserver: Nameserver, names: Names) -> None:
    arpa = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    nameserver.records.set(arpa, "PTR", f"{HELO}.")
    nameserver.records.set(HELO, "AAAA", "2001:0DB8:0001:0002:0003:0004:0567:89AB")
    assert ptr(names, IPV6) == PtrFinding(PtrState.CONFIRMED, HELO, True)


def test_the_questions_are_those_of_the_rfcs_examples() -> None:
    assert query_name(IPV4, "bad.example.com") == "99.2.0.192.bad.example.com"
    assert query_name(IPV6, "ugly.example.com") == (
        "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ugly.example.com"
    )


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        (["127.0.0.2"], True),
        (["127.0.0.10", "127.0.0.3"], True),
        ([], False),
        (["127.255.255.254"], None),
        (["127.0.0.2", "127.255.255.252"], None),
        (["192.0.2.1"], False),
    ],
)
def test_answers_of_a_list_are_read(
    nameserver: Nameserver, names: Names, codes: list[str], found: bool | None
) -> None:
    if codes:
        nameserver.records.set(query_name(IPV4, ZONE), "A", *codes)
    assert listed(names) is found


def test_a_list_that_names_everybody_is_not_believed(nameserver: Nameserver, names: Names) -> None:
    nameserver.records.set(query_name(IPV4, ZONE), "A", "127.0.0.2")
    nameserver.records.set(query_name("127.0.0.1", ZONE), "A", "127.0.0.2")
    assert listed(names) is None


def test_a_list_that_is_silent_says_nothing(nameserver: Nameserver, names: Names) -> None:
    nameserver.records.fail(query_name(IPV4, ZONE), Fault.SERVFAIL)
    assert listed(names) is None


def test_an_ipv6_address_is_looked_for_by_its_nibbles(nameserver: Nameserver, names: Names) -> None:
    nameserver.records.set(query_name(IPV6, ZONE), "A", "127.0.0.2")
    assert listed(names, IPV6) is True
