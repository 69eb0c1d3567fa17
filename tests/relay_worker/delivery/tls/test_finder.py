"""All of it together: from names in DNS to what a connection has to come to."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from platform_core.clock import StoppedClock
from platform_core.settings import Settings
from platform_dev.authority import LocalAuthority
from platform_dev.nameserver import Nameserver
from relay_worker.delivery.destination import Destination, MailServer
from relay_worker.delivery.tls.finder import SENT_ELSEWHERE, TlsPolicies
from relay_worker.delivery.tls.levels import TlsLevel
from relay_worker.delivery.tls.policy import TlsPolicy, decide
from relay_worker.delivery.tls.tally import TlsTally
from tests.relay_worker.delivery.tls.conftest import (
    POLICY,
    InMemoryBook,
    PolicyServer,
    ServerContext,
    http,
)

HOST = "mx.shop.test"
TO_SHOP = Destination(HOST, ((MailServer(HOST, "127.0.0.1", 25),),))

Scene = Callable[[TlsPolicies, PolicyServer], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(
    authority: LocalAuthority,
    server_context: ServerContext,
    nameserver: Nameserver,
    book: InMemoryBook,
    clock: StoppedClock,
    make_settings: Callable[..., Settings],
) -> Play:
    """Runs a scene in which shop.test has an MTA-STS policy and TLSA records."""
    records = nameserver.records
    records.set("_mta-sts.shop.test", "TXT", "v=STSv1; id=1")
    records.set("mta-sts.shop.test", "A", "127.0.0.1")
    records.set("shop.test", "MX", f"10 {HOST}.")
    records.set(HOST, "A", "127.0.0.1")
    records.set(f"_25._tcp.{HOST}", "TLSA", "3 1 1 " + "ab" * 32)
    records.validate("shop.test")
    tls = server_context(authority.issue("mta-sts.shop.test"))

    def run(scene: Scene, **changes: object) -> None:
        async def main() -> None:
            async with PolicyServer(tls, http(POLICY)) as server:
                settings = make_settings(
                    nameservers=(nameserver.address,),
                    delivery_allow_private_addresses=True,
                    delivery_ca_file=authority.certificate_path,
                    delivery_mta_sts_port=server.port,
                    **changes,
                )
                tally = TlsTally(book, clock)
                await scene(TlsPolicies.from_settings(settings, book, tally, clock), server)

        asyncio.run(main())

    return run


def need(policy: TlsPolicy) -> TlsLevel:
    return decide(policy).of(HOST).need


def test_mta_sts_is_followed_as_the_product_comes(play: Play) -> None:
    async def scene(policies: TlsPolicies, _: PolicyServer) -> None:
        assert need(await policies.find("shop.test", TO_SHOP)) is TlsLevel.NAMED

    play(scene)


def test_dane_is_followed_where_the_resolver_is_trusted_and_goes_first(play: Play) -> None:
    async def scene(policies: TlsPolicies, _: PolicyServer) -> None:
        assert need(await policies.find("shop.test", TO_SHOP)) is TlsLevel.TLSA

    play(scene, delivery_dane=True)


def test_what_was_found_is_not_asked_for_again(play: Play, nameserver: Nameserver) -> None:
    async def scene(policies: TlsPolicies, _: PolicyServer) -> None:
        assert policies.cached("shop.test", TO_SHOP) is None
        first, same = await asyncio.gather(*(policies.find("shop.test", TO_SHOP) for _ in range(2)))
        assert first is same is policies.cached("shop.test", TO_SHOP)
        assert [kind for _, kind in nameserver.queries].count("TXT") == 1

    play(scene)


def test_other_mail_servers_are_looked_at_anew(play: Play) -> None:
    async def scene(policies: TlsPolicies, _: PolicyServer) -> None:
        await policies.find("shop.test", TO_SHOP)
        moved = Destination("mx2.shop.test", ((MailServer("mx2.shop.test", "127.0.0.1", 25),),))
        assert policies.cached("shop.test", moved) is None

    play(scene, delivery_dane=True)


def test_both_can_be_switched_off(play: Play, nameserver: Nameserver) -> None:
    async def scene(policies: TlsPolicies, _: PolicyServer) -> None:
        assert await policies.find("shop.test", TO_SHOP) == TlsPolicy("shop.test")
        assert not nameserver.queries

    play(scene, delivery_mta_sts=False)


def test_a_policy_of_mode_none_demands_nothing(play: Play) -> None:
    async def scene(policies: TlsPolicies, server: PolicyServer) -> None:
        server.response = http("version: STSv1\nmode: none\nmax_age: 60\n")
        assert (await policies.find("shop.test", TO_SHOP)).sts is None

    play(scene)


def test_mail_that_the_operator_sends_elsewhere_is_not_held_to_the_domains_policy(play: Play) -> None:
    async def scene(policies: TlsPolicies, server: PolicyServer) -> None:
        assert policies.cached("shop.test", TO_SHOP) is SENT_ELSEWHERE
        assert server.requests == []

    play(scene, delivery_smart_host="relay.test:25")


def test_a_changed_port_alone_leaves_the_policy_standing(play: Play) -> None:
    async def scene(policies: TlsPolicies, _: PolicyServer) -> None:
        assert (await policies.find("shop.test", TO_SHOP)).sts is not None

    play(scene, delivery_routes={"*": ":2626"})
