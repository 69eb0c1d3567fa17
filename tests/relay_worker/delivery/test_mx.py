"""Finding mail servers, asked of a real nameserver on loopback."""

import asyncio
import random
from collections.abc import Callable

import pytest

from platform_core.errors import SettingsInvalid
from platform_core.settings import Settings
from platform_dev.nameserver import Nameserver
from platform_dev.zone import Fault
from relay_worker.delivery import mx as mx_module
from relay_worker.delivery.destination import Destination, NoRoute
from relay_worker.delivery.mx import MxLookup, is_public
from relay_worker.delivery.routes import DestinationFinder, RouteTable

MakeSettings = Callable[..., Settings]


class Ticking:
    """A clock of seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def make_finder(make_settings: MakeSettings, nameserver: Nameserver) -> Callable[..., DestinationFinder]:
    def make(clock: Callable[[], float] | None = None, **changes: object) -> DestinationFinder:
        values = {"nameservers": nameserver.address, "delivery_allow_private_addresses": True} | changes
        settings = make_settings(**values)
        routes, lookup = RouteTable.from_settings(settings), MxLookup.from_settings(settings)
        return DestinationFinder(routes, lookup, clock) if clock else DestinationFinder(routes, lookup)

    return make


MakeFinder = Callable[..., DestinationFinder]


def find(finder: DestinationFinder, domain: str) -> Destination | NoRoute:
    return asyncio.run(finder.find(domain))


def servers(finder: DestinationFinder, domain: str) -> list[str]:
    found = find(finder, domain)
    assert isinstance(found, Destination), found
    return [f"{server.host} {server.address} {server.port}" for server in found.in_order(random.Random(1))]


def refusal(finder: DestinationFinder, domain: str) -> tuple[int, str]:
    found = find(finder, domain)
    assert isinstance(found, NoRoute), found
    return found.reply.code, found.reply.enhanced


def test_servers_are_tried_by_preference_with_both_kinds_of_address(
    nameserver: Nameserver, make_finder: MakeFinder
) -> None:
    nameserver.records.set("example.test", "MX", "20 mx2.example.test.", "10 mx1.example.test.")
    nameserver.records.set("mx1.example.test", "A", "127.0.0.1")
    nameserver.records.set("mx2.example.test", "A", "127.0.0.2")
    nameserver.records.set("mx2.example.test", "AAAA", "::1")
    assert servers(make_finder(), "example.test")[0] == "mx1.example.test 127.0.0.1 25"
    assert sorted(servers(make_finder(), "example.test")[1:]) == [
        "mx2.example.test 127.0.0.2 25",
        "mx2.example.test ::1 25",
    ]


def test_servers_of_equal_preference_are_shuffled(nameserver: Nameserver, make_finder: MakeFinder) -> None:
    hosts = [f"mx{n}.example.test" for n in range(5)]
    nameserver.records.set("example.test", "MX", *[f"10 {host}." for host in hosts])
    for host in hosts:
        nameserver.records.set(host, "A", "127.0.0.1")
    found = find(make_finder(), "example.test")
    assert isinstance(found, Destination)
    assert {found.in_order(random.Random(seed))[0].host for seed in range(60)} == set(hosts)


def test_a_domain_without_mx_is_its_own_server(nameserver: Nameserver, make_finder: MakeFinder) -> None:
    nameserver.records.set("example.test", "AAAA", "::1")
    assert servers(make_finder(), "example.test") == ["example.test ::1 25"]


def test_an_alias_is_followed(nameserver: Nameserver, make_finder: MakeFinder) -> None:
    nameserver.records.set("example.test", "CNAME", "real.test.")
    nameserver.records.set("real.test", "MX", "10 mx.real.test.")
    nameserver.records.set("mx.real.test", "A", "127.0.0.1")
    assert servers(make_finder(), "example.test") == ["mx.real.test 127.0.0.1 25"]


def test_a_null_mx_takes_no_mail(nameserver: Nameserver, make_finder: MakeFinder) -> None:
    nameserver.records.set("example.test", "MX", "0 .")
    assert refusal(make_finder(), "example.test") == (556, "5.1.10")


def test_a_domain_that_does_not_exist_is_a_permanent_failure(make_finder: MakeFinder) -> None:
    assert refusal(make_finder(), "nowhere.test") == (550, "5.1.2")


def test_a_domain_with_neither_mx_nor_address_cannot_be_routed(
    nameserver: Nameserver, make_finder: MakeFinder
) -> None:
    nameserver.records.set("example.test", "TXT", "nothing else")
    assert refusal(make_finder(), "example.test") == (550, "5.4.4")


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.REFUSED, Fault.SILENCE])
def test_a_fault_of_the_nameserver_defers(
    nameserver: Nameserver, make_finder: MakeFinder, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mx_module, "QUERY_SECONDS", 0.5)
    nameserver.records.set("example.test", "MX", "10 mx.example.test.")
    nameserver.records.fail("example.test", fault)
    assert refusal(make_finder(), "example.test") == (451, "4.4.3")


def test_a_fault_on_the_addresses_of_all_servers_defers(
    nameserver: Nameserver, make_finder: MakeFinder
) -> None:
    nameserver.records.set("example.test", "MX", "10 mx.example.test.")
    nameserver.records.fail("mx.example.test", Fault.SERVFAIL)
    assert refusal(make_finder(), "example.test") == (451, "4.4.3")


def test_one_server_without_address_does_no_harm(nameserver: Nameserver, make_finder: MakeFinder) -> None:
    nameserver.records.set("example.test", "MX", "10 gone.test.", "20 mx.example.test.")
    nameserver.records.set("mx.example.test", "A", "127.0.0.1")
    assert servers(make_finder(), "example.test") == ["mx.example.test 127.0.0.1 25"]


def test_a_truncated_answer_is_asked_for_again_over_tcp(
    nameserver: Nameserver, make_finder: MakeFinder
) -> None:
    nameserver.records.set("example.test", "MX", "10 mx.example.test.")
    nameserver.records.set("mx.example.test", "A", "127.0.0.1")
    nameserver.records.fail("example.test", Fault.TRUNCATE)
    assert servers(make_finder(), "example.test") == ["mx.example.test 127.0.0.1 25"]


def test_servers_on_private_addresses_are_refused(nameserver: Nameserver, make_finder: MakeFinder) -> None:
    nameserver.records.set("example.test", "MX", "10 mx.example.test.")
    nameserver.records.set("mx.example.test", "A", "127.0.0.1")
    assert refusal(make_finder(delivery_allow_private_addresses=False), "example.test") == (550, "5.4.4")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
    ],
)
def test_an_address_of_our_own_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4001::1a", "::ffff:8.8.8.8"])
def test_an_address_of_the_world_is_public(address: str) -> None:
    assert is_public(address)


def test_mail_never_goes_back_up_to_less_preferred_servers(
    nameserver: Nameserver, make_finder: MakeFinder
) -> None:
    nameserver.records.set("example.test", "MX", "10 best.test.", "20 mta.test.", "30 backup.test.")
    nameserver.records.set("best.test", "A", "127.0.0.1")
    assert servers(make_finder(), "example.test") == ["best.test 127.0.0.1 25"]


def test_a_domain_that_leads_to_us_first_is_a_loop(nameserver: Nameserver, make_finder: MakeFinder) -> None:
    nameserver.records.set("example.test", "MX", "10 MTA.test.", "20 backup.test.")
    assert refusal(make_finder(), "example.test") == (550, "5.4.6")


def test_dns_is_asked_once_while_its_answer_lasts(nameserver: Nameserver, make_finder: MakeFinder) -> None:
    nameserver.records.set("example.test", "MX", "10 mx.example.test.", ttl=1000)
    nameserver.records.set("mx.example.test", "A", "127.0.0.1", ttl=500)
    clock = Ticking()
    finder = make_finder(clock)
    for clock.now in (0.0, 499.0):
        find(finder, "example.test")
    assert list(nameserver.queries).count(("example.test", "MX")) == 1
    clock.now = 501.0
    find(finder, "example.test")
    assert list(nameserver.queries).count(("example.test", "MX")) == 2


def test_everybody_who_waits_for_a_domain_shares_one_look_up(
    nameserver: Nameserver, make_finder: MakeFinder
) -> None:
    nameserver.records.set("example.test", "A", "127.0.0.1")

    async def ask_together(finder: DestinationFinder) -> None:
        await asyncio.gather(*(finder.find("example.test") for _ in range(20)))

    asyncio.run(ask_together(make_finder()))
    assert list(nameserver.queries).count(("example.test", "MX")) == 1


def test_domains_with_the_same_servers_share_a_key(nameserver: Nameserver, make_finder: MakeFinder) -> None:
    nameserver.records.set("mx.hoster.test", "A", "127.0.0.1")
    for domain in ("one.test", "two.test"):
        nameserver.records.set(domain, "MX", "10 mx.hoster.test.")
    finder = make_finder()
    one, two = find(finder, "one.test"), find(finder, "two.test")
    assert isinstance(one, Destination)
    assert isinstance(two, Destination)
    assert one.key == two.key == "mx.hoster.test:25"


def test_a_route_sends_its_domain_elsewhere_and_the_smart_host_takes_the_rest(
    make_finder: MakeFinder,
) -> None:
    finder = make_finder(delivery_routes="one.test=127.0.0.1:2626", delivery_smart_host="[::1]:2727")
    assert servers(finder, "one.test") == ["127.0.0.1 127.0.0.1 2626"]
    assert servers(finder, "two.test") == ["::1 ::1 2727"]


def test_a_route_for_all_others_may_change_the_port_alone(
    nameserver: Nameserver, make_finder: MakeFinder
) -> None:
    nameserver.records.set("example.test", "A", "127.0.0.1")
    assert servers(make_finder(delivery_routes="*=:2626"), "example.test") == ["example.test 127.0.0.1 2626"]


def test_a_route_may_name_a_host_whatever_its_address(
    nameserver: Nameserver, make_finder: MakeFinder
) -> None:
    nameserver.records.set("sink.test", "A", "127.0.0.9")
    finder = make_finder(delivery_routes="*=sink.test:2626", delivery_allow_private_addresses=False)
    assert servers(finder, "example.test") == ["sink.test 127.0.0.9 2626"]


def test_a_smart_host_that_is_not_in_dns_defers(make_finder: MakeFinder) -> None:
    assert refusal(make_finder(delivery_smart_host="gone.test:25"), "example.test") == (451, "4.4.3")


def test_a_route_without_a_valid_port_stops_the_start(make_settings: MakeSettings) -> None:
    with pytest.raises(SettingsInvalid, match="no valid port"):
        RouteTable.from_settings(make_settings(delivery_routes="a.test=127.0.0.1:smtp"))
