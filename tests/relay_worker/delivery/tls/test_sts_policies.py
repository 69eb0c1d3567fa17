"""Policies over time: announced, fetched, kept, changed, and held on to when somebody is in the way."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from platform_core.clock import StoppedClock
from platform_core.errors import Unavailable
from platform_core.resolvers import make_resolver
from platform_dev.authority import LocalAuthority
from platform_dev.nameserver import Nameserver
from platform_dev.zone import Fault
from relay_worker.delivery.tls.announcements import Announcements
from relay_worker.delivery.tls.contexts import Contexts
from relay_worker.delivery.tls.mta_sts import StsMode, StsPolicy
from relay_worker.delivery.tls.policy_host import PolicyHost
from relay_worker.delivery.tls.sts_policies import (
    RETRY_SECONDS,
    SILENCE_SECONDS,
    KeptPolicies,
    StsPolicies,
)
from relay_worker.delivery.tls.tally import TlsTally
from tests.relay_worker.delivery.tls.conftest import (
    POLICY,
    InMemoryBook,
    PolicyServer,
    ServerContext,
    http,
)


class Scene:
    """A policy server, and finders of policies that look at it through the nameserver."""

    def __init__(
        self,
        server: PolicyServer,
        nameserver: Nameserver,
        book: InMemoryBook,
        clock: StoppedClock,
        trusted: Path,
    ) -> None:
        self.server = server
        self.nameserver = nameserver
        self.book = book
        self.clock = clock
        self._trusted = trusted
        self.tally = TlsTally(book, clock)
        self.policies = self.restarted()

    def restarted(self, *, allow_private: bool = True) -> StsPolicies:
        """As a worker has them that has just started."""
        announcements = Announcements(make_resolver((self.nameserver.address,)), allow_private)
        verifying = Contexts(self._trusted).verifying
        host = PolicyHost(announcements.addresses, verifying, self.server.port, seconds=1)
        return StsPolicies(announcements, host, KeptPolicies(self.book, self.clock), self.tally, self.clock)

    def announce(self, policy_id: str) -> None:
        self.nameserver.records.set("_mta-sts.shop.test", "TXT", f"v=STSv1; id={policy_id};")

    async def found(self) -> StsPolicy | None:
        return (await self.policies.find("shop.test"))[0]


Play = Callable[[Callable[[Scene], Awaitable[None]]], None]


@pytest.fixture
def play(
    authority: LocalAuthority,
    server_context: ServerContext,
    nameserver: Nameserver,
    book: InMemoryBook,
    clock: StoppedClock,
) -> Play:
    """Runs a scene in which shop.test announces and serves a policy."""
    nameserver.records.set("mta-sts.shop.test", "A", "127.0.0.1")
    tls = server_context(authority.issue("mta-sts.shop.test"))

    def run(scene: Callable[[Scene], Awaitable[None]]) -> None:
        async def main() -> None:
            async with PolicyServer(tls, http(POLICY)) as server:
                set_up = Scene(server, nameserver, book, clock, authority.certificate_path)
                set_up.announce("1")
                await scene(set_up)
                await set_up.tally.close()

        asyncio.run(main())

    return run


def test_a_domain_that_announces_nothing_has_no_policy(play: Play) -> None:
    async def scene(at: Scene) -> None:
        assert (await at.policies.find("other.test"))[0] is None
        assert at.server.requests == []

    play(scene)


def test_an_announced_policy_is_fetched_once_and_kept(play: Play) -> None:
    async def scene(at: Scene) -> None:
        for _ in range(3):
            policy = await at.found()
            assert policy is not None
            assert policy.mode is StsMode.ENFORCE
        assert len(at.server.requests) == 1
        kept = at.book.kept["shop.test"]
        assert (kept.id, kept.expires_at - kept.fetched_at) == ("1", timedelta(days=7))

    play(scene)


def test_a_policy_host_with_many_addresses_is_asked_in_both_families_in_turn(nameserver: Nameserver) -> None:
    nameserver.records.set("mta-sts.shop.test", "AAAA", *(f"2001:db8::{n}" for n in range(1, 5)))
    nameserver.records.set("mta-sts.shop.test", "A", "192.0.2.1", "192.0.2.2")
    announcements = Announcements(make_resolver((nameserver.address,)), allow_private=True)
    found = asyncio.run(announcements.addresses("mta-sts.shop.test"))
    assert [":" in address for address in found] == [True, False, True, False, True, True]


def test_a_new_id_brings_the_new_policy(play: Play) -> None:
    async def scene(at: Scene) -> None:
        await at.found()
        at.server.response = http(POLICY.replace("enforce", "testing"))
        assert (policy := await at.found()) is not None
        assert policy.mode is StsMode.ENFORCE
        at.announce("2")
        assert (policy := await at.found()) is not None
        assert policy.mode is StsMode.TESTING

    play(scene)


def test_a_policy_is_fetched_anew_each_day_though_nothing_has_changed(play: Play) -> None:
    async def scene(at: Scene) -> None:
        await at.found()
        at.clock.advance(timedelta(days=1))
        await at.found()
        assert len(at.server.requests) == 2
        assert at.book.kept["shop.test"].fetched_at == at.clock.now()

    play(scene)


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.REFUSED])
def test_a_policy_holds_when_dns_fails(fault: Fault, play: Play) -> None:
    async def scene(at: Scene) -> None:
        await at.found()
        at.nameserver.records.fail("_mta-sts.shop.test", fault)
        at.clock.advance(timedelta(days=6))
        policy, seconds = await at.policies.find("shop.test")
        assert policy is not None
        assert seconds == SILENCE_SECONDS

    play(scene)


def test_a_policy_holds_when_its_announcement_disappears_until_it_expires(play: Play) -> None:
    async def scene(at: Scene) -> None:
        await at.found()
        at.nameserver.records.remove("_mta-sts.shop.test")
        at.clock.advance(timedelta(days=7, seconds=-1))
        assert await at.found() is not None
        at.clock.advance(timedelta(seconds=1))
        assert await at.found() is None

    play(scene)


def test_a_policy_holds_when_the_new_one_cannot_be_fetched(play: Play, book: InMemoryBook) -> None:
    async def scene(at: Scene) -> None:
        await at.found()
        at.announce("2")
        at.server.response = http("", "500 Oops")
        policy, seconds = await at.policies.find("shop.test")
        assert policy is not None
        assert (policy.mode, seconds) == (StsMode.ENFORCE, RETRY_SECONDS)

    play(scene)
    assert book.sessions() == {("shop.test", "sts", "", "sts-policy-fetch-error"): 1}


def test_a_policy_outlives_its_worker(play: Play) -> None:
    async def scene(at: Scene) -> None:
        await at.found()
        at.nameserver.records.remove("_mta-sts.shop.test")
        at.policies = at.restarted()
        assert await at.found() is not None
        assert len(at.server.requests) == 1

    play(scene)


def test_a_worker_learns_what_another_has_fetched(play: Play) -> None:
    async def scene(at: Scene) -> None:
        another = at.restarted()
        await another.find("other.test")
        at.clock.advance(timedelta(minutes=2))
        await at.found()
        at.nameserver.records.remove("_mta-sts.shop.test")
        assert (await another.find("shop.test"))[0] is not None

    play(scene)


def test_a_domain_takes_its_policy_back_by_mode_none(play: Play) -> None:
    async def scene(at: Scene) -> None:
        await at.found()
        at.announce("2")
        at.server.response = http("version: STSv1\nmode: none\nmax_age: 86400\n")
        assert (policy := await at.found()) is not None
        assert policy.mode is StsMode.NONE

    play(scene)


def test_a_policy_host_inside_our_own_network_is_not_asked(play: Play) -> None:
    async def scene(at: Scene) -> None:
        at.policies = at.restarted(allow_private=False)
        assert await at.found() is None
        assert at.server.requests == []

    play(scene)


def test_while_nothing_could_be_learnt_mail_has_to_wait(play: Play) -> None:
    async def scene(at: Scene) -> None:
        at.book.down = True
        with pytest.raises(Unavailable):
            await at.found()

    play(scene)


def test_what_is_known_holds_while_the_database_is_away(play: Play) -> None:
    async def scene(at: Scene) -> None:
        await at.found()
        at.book.down = True
        at.nameserver.records.remove("_mta-sts.shop.test")
        at.clock.advance(timedelta(hours=1))
        assert await at.found() is not None

    play(scene)


def test_a_policy_fetched_while_the_database_is_away_holds_all_the_same(play: Play) -> None:
    async def scene(at: Scene) -> None:
        await at.policies.find("other.test")
        at.book.down = True
        assert await at.found() is not None
        assert at.book.kept == {}
        assert await at.found() is not None
        assert len(at.server.requests) == 1

    play(scene)
