"""Connections under demands: met, missed, and never lowered."""

import asyncio
import random
import time
from datetime import timedelta
from pathlib import Path

import pytest

from platform_core.clock import StoppedClock
from platform_core.mail.tls import TlsTrust
from platform_dev.authority import IssuedCertificate, LocalAuthority
from relay_worker.delivery.client import Manners
from relay_worker.delivery.connector import Connector, NoServer
from relay_worker.delivery.destination import Destination, MailServer
from relay_worker.delivery.tls.levels import TlsAchieved, TlsLevel
from relay_worker.delivery.tls.mta_sts import StsMode, StsPolicy
from relay_worker.delivery.tls.policy import OPPORTUNISTIC, TlsDemand, TlsPolicy, decide
from relay_worker.delivery.tls.tally import TlsTally
from relay_worker.delivery.tls.tlsa import HostTlsa
from relay_worker.delivery.transaction import Answer
from tests.relay_worker.delivery.factories import transaction_to
from tests.relay_worker.delivery.tls.conftest import InMemoryBook, ServerContext
from tests.relay_worker.delivery.tls.test_tlsa import chain, tlsa
from tests.relay_worker.scripted_mx import DROP, Script, ScriptedMx

pytestmark = pytest.mark.usefixtures("under_either_loop")

HOST = "mx.shop.test"
BROKEN = Script(tls_broken=True)
NO_TLS = Script()
REQUIRED = decide(TlsPolicy("shop.test"), account_requires_tls=True)


def sts(mode: StsMode = StsMode.ENFORCE, mx: str = HOST) -> TlsDemand:
    return decide(TlsPolicy("shop.test", StsPolicy(mode, (mx,), timedelta(days=1))))


def dane(usage: int, certificate: IssuedCertificate) -> TlsDemand:
    """What is demanded when `certificate`, or its authority's, is published."""
    record = tlsa(usage, 1, 1, chain(certificate)[0 if usage == 3 else 1])
    return decide(TlsPolicy("shop.test", None, (HostTlsa(HOST, HOST, (HOST,), (record,)),)))


@pytest.fixture
def good(authority: LocalAuthority) -> IssuedCertificate:
    return authority.issue(HOST)


class Door:
    """A connector that trusts `authorities`, and what it has counted."""

    def __init__(self, authorities: Path | None, book: InMemoryBook, clock: StoppedClock) -> None:
        self.tally = TlsTally(book, clock)
        self.connector = Connector(
            Manners("mta.test", 2, 2, 2),
            verify_tls=False,
            rng=random.Random(1),
            authorities=authorities,
            tally=self.tally,
        )

    async def send(self, mx: ScriptedMx, demand: TlsDemand) -> tuple[Answer, TlsAchieved]:
        """One message over one new connection."""
        conversation = await self.connector.connect(to(mx), demand)
        (answer,) = await conversation.send(transaction_to("you@shop.test"), time.monotonic())
        conversation.quit()
        return answer, conversation.tls


def to(*servers: ScriptedMx) -> Destination:
    return Destination("shop.test", tuple((MailServer(HOST, mx.address, mx.port),) for mx in servers))


@pytest.fixture
def door(authority: LocalAuthority, book: InMemoryBook, clock: StoppedClock) -> Door:
    return Door(authority.certificate_path, book, clock)


def deliver(door: Door, script: Script, demand: TlsDemand, times: int = 1) -> tuple[ScriptedMx, TlsAchieved]:
    async def main() -> tuple[ScriptedMx, TlsAchieved]:
        async with ScriptedMx(script) as mx:
            for _ in range(times):
                answer, achieved = await door.send(mx, demand)
                assert answer.reply.code == 250
            await door.tally.close()
            return mx, achieved

    return asyncio.run(main())


def held_back(door: Door, script: Script, demand: TlsDemand) -> str:
    """The reply of ours, for mail that no server got."""

    async def main() -> str:
        async with ScriptedMx(script) as mx:
            with pytest.raises(NoServer) as failure:
                await door.send(mx, demand)
            await door.tally.close()
            assert "MAIL" not in mx.verbs
            return failure.value.answer.reply.line()

    return asyncio.run(main())


# --- nothing demanded ---


@pytest.mark.parametrize("script", [NO_TLS, BROKEN], ids=["no TLS", "broken TLS"])
def test_without_a_demand_mail_goes_in_clear_rather_than_not_at_all(script: Script, door: Door) -> None:
    mx, achieved = deliver(door, script, decide(TlsPolicy("shop.test")))
    assert (achieved.level, mx.delivered[0].tls) == (TlsLevel.CLEAR, "")


def test_what_was_achieved_is_told(
    door: Door, stranger: LocalAuthority, server_context: ServerContext
) -> None:
    tls = server_context(stranger.issue("another.test"))
    _, achieved = deliver(door, Script(tls=tls), OPPORTUNISTIC)
    assert (achieved.level, achieved.version) == (TlsLevel.ENCRYPTED, "TLSv1.3")
    assert achieved.cipher.startswith("TLS_")


@pytest.mark.parametrize("trust", list(TlsTrust))
def test_an_answer_tells_what_has_vouched_for_the_server(
    trust: TlsTrust, door: Door, good: IssuedCertificate, server_context: ServerContext
) -> None:
    demands = {
        TlsTrust.CERTIFICATE: sts(StsMode.TESTING),  # a policy under test names it, and promises nothing
        TlsTrust.MTA_STS: sts(),
        TlsTrust.DANE: dane(3, good),
    }

    async def main() -> Answer:
        async with ScriptedMx(Script(tls=server_context(good)) if trust else NO_TLS) as mx:
            answer, _ = await door.send(mx, demands.get(trust, OPPORTUNISTIC))
            await door.tally.close()
            return answer

    assert asyncio.run(main()).tls_trust is trust


# --- encryption ---


def test_required_tls_takes_any_certificate(
    door: Door, stranger: LocalAuthority, server_context: ServerContext
) -> None:
    mx, achieved = deliver(door, Script(tls=server_context(stranger.issue("another.test"))), REQUIRED)
    assert (achieved.level, mx.delivered[0].tls) == (TlsLevel.ENCRYPTED, "TLSv1.3")


def test_required_tls_is_waited_for_where_it_is_not_offered(door: Door) -> None:
    assert held_back(door, NO_TLS, REQUIRED) == (
        "454 4.7.4 TLS is required by the account, but the server does not offer STARTTLS"
    )


def test_required_tls_is_waited_for_where_it_is_broken_or_refused(
    door: Door, good: IssuedCertificate, server_context: ServerContext
) -> None:
    assert held_back(door, BROKEN, REQUIRED).startswith("454 4.7.5 TLS is required by the account, but ")
    refused = Script(tls=server_context(good), replies={"STARTTLS": "454 4.7.0 not now"})
    assert held_back(door, refused, REQUIRED).endswith("but STARTTLS was refused: 454 4.7.0 not now")


def test_required_tls_is_waited_for_where_the_server_leaves_behind_the_handshake(
    door: Door, good: IssuedCertificate, server_context: ServerContext
) -> None:
    script = Script(tls=server_context(good), replies={"EHLO": ["250-mx.test\r\n250 STARTTLS", DROP]})
    assert held_back(door, script, REQUIRED) == (
        "454 4.7.5 TLS is required by the account, but TLS failed behind its handshake: the connection was lost"
    )


def test_broken_tls_remembered_from_mail_in_clear_does_not_let_required_tls_go_in_clear(door: Door) -> None:
    deliver(door, BROKEN, OPPORTUNISTIC)
    held_back(door, BROKEN, REQUIRED)


def test_the_next_server_may_meet_the_demand_and_the_first_is_not_taken_for_dead(
    door: Door, good: IssuedCertificate, server_context: ServerContext
) -> None:
    async def main() -> None:
        async with (
            ScriptedMx(NO_TLS) as first,
            ScriptedMx(Script(tls=server_context(good)), "127.0.0.2") as mx,
        ):
            for demand in REQUIRED, OPPORTUNISTIC:
                conversation = await door.connector.connect(to(first, mx), demand)
                await conversation.send(transaction_to("you@shop.test"), time.monotonic())
                conversation.quit()
            assert [item.tls for item in mx.delivered] == ["TLSv1.3"]
            assert [item.tls for item in first.delivered] == [""]

    asyncio.run(main())


# --- MTA-STS ---


def test_an_enforced_policy_is_met_by_a_valid_certificate(
    door: Door, good: IssuedCertificate, server_context: ServerContext, book: InMemoryBook
) -> None:
    mx, achieved = deliver(door, Script(tls=server_context(good)), sts())
    assert (achieved.level, mx.delivered[0].tls) == (TlsLevel.NAMED, "TLSv1.3")
    assert book.sessions() == {("shop.test", "sts", HOST, "success"): 1}


def test_an_enforced_policy_holds_back_from_a_certificate_of_another_name(
    door: Door, authority: LocalAuthority, server_context: ServerContext, book: InMemoryBook
) -> None:
    reply = held_back(door, Script(tls=server_context(authority.issue("mx2.shop.test"))), sts())
    assert reply.startswith(
        "454 4.7.5 TLS is required by the domain's MTA-STS policy, but TLS failed: Hostname mismatch"
    )
    assert book.sessions() == {("shop.test", "sts", HOST, "certificate-host-mismatch"): 1}


def test_an_enforced_policy_holds_back_from_an_unknown_authority(
    door: Door, stranger: LocalAuthority, server_context: ServerContext, book: InMemoryBook
) -> None:
    held_back(door, Script(tls=server_context(stranger.issue(HOST))), sts())
    assert book.sessions() == {("shop.test", "sts", HOST, "certificate-not-trusted"): 1}


def test_an_enforced_policy_holds_back_from_an_expired_certificate(
    expired: IssuedCertificate,
    expired_authority: Path,
    server_context: ServerContext,
    book: InMemoryBook,
    clock: StoppedClock,
) -> None:
    held_back(Door(expired_authority, book, clock), Script(tls=server_context(expired)), sts())
    assert book.sessions() == {("shop.test", "sts", HOST, "certificate-expired"): 1}


def test_an_enforced_policy_holds_back_where_starttls_has_been_taken_out(
    door: Door, book: InMemoryBook
) -> None:
    held_back(door, NO_TLS, sts())
    assert book.sessions() == {("shop.test", "sts", HOST, "starttls-not-supported"): 1}


def test_an_enforced_policy_keeps_us_from_even_connecting_to_other_servers(
    door: Door, good: IssuedCertificate, server_context: ServerContext
) -> None:
    async def main() -> None:
        async with ScriptedMx(Script(tls=server_context(good))) as mx:
            with pytest.raises(NoServer, match="does not name the mail server"):
                await door.send(mx, sts(mx="mail.shop.test"))
            assert mx.connections == 0

    asyncio.run(main())


def test_a_tested_policy_holds_up_nothing_and_counts_what_it_would_have(
    door: Door, stranger: LocalAuthority, server_context: ServerContext, book: InMemoryBook
) -> None:
    tls = server_context(stranger.issue(HOST))
    mx, achieved = deliver(door, Script(tls=tls), sts(StsMode.TESTING), times=3)
    assert achieved.level is TlsLevel.ENCRYPTED
    assert mx.connections == 4  # one wasted; then it is known
    assert book.sessions() == {("shop.test", "sts", HOST, "certificate-not-trusted"): 3}


@pytest.mark.parametrize("script", [NO_TLS, BROKEN], ids=["no TLS", "broken TLS"])
def test_a_tested_policy_lets_mail_go_in_clear(script: Script, door: Door, book: InMemoryBook) -> None:
    mx, _ = deliver(door, script, sts(StsMode.TESTING))
    assert mx.delivered[0].tls == ""
    assert [result for *_, result in book.sessions()] != ["success"]


def test_a_tested_policy_that_does_not_name_the_server_is_counted(
    door: Door, good: IssuedCertificate, server_context: ServerContext, book: InMemoryBook
) -> None:
    deliver(door, Script(tls=server_context(good)), sts(StsMode.TESTING, "mail.shop.test"))
    assert book.sessions() == {("shop.test", "sts", HOST, "validation-failure"): 1}


# --- DANE ---


@pytest.mark.parametrize("usage", [2, 3])
def test_tlsa_records_are_met_by_what_they_name_without_any_public_authority(
    usage: int,
    door: Door,
    stranger: LocalAuthority,
    server_context: ServerContext,
    book: InMemoryBook,
) -> None:
    certificate = stranger.issue(HOST)
    _, achieved = deliver(door, Script(tls=server_context(certificate)), dane(usage, certificate))
    assert achieved.level is TlsLevel.TLSA
    assert book.sessions() == {("shop.test", "tlsa", HOST, "success"): 1}


@pytest.mark.parametrize("usage", [2, 3])
def test_tlsa_records_hold_back_from_any_other_certificate(
    usage: int,
    door: Door,
    stranger: LocalAuthority,
    good: IssuedCertificate,
    server_context: ServerContext,
    book: InMemoryBook,
) -> None:
    reply = held_back(door, Script(tls=server_context(good)), dane(usage, stranger.issue(HOST)))
    assert reply == (
        "454 4.7.5 TLS is required by the server's TLSA records (DANE), "
        "but the server's certificate is none that its TLSA records name"
    )
    assert book.sessions() == {("shop.test", "tlsa", HOST, "validation-failure"): 1}


def test_tlsa_records_hold_back_where_there_is_no_tls(door: Door, good: IssuedCertificate) -> None:
    assert held_back(door, NO_TLS, dane(3, good)).startswith("454 4.7.4 ")


def test_tlsa_records_that_cannot_be_validated_hold_back(
    door: Door, good: IssuedCertificate, server_context: ServerContext, book: InMemoryBook
) -> None:
    bogus = decide(TlsPolicy("shop.test", None, (HostTlsa(HOST, HOST, bogus=True),)))
    held_back(door, Script(tls=server_context(good)), bogus)
    assert book.sessions() == {("shop.test", "tlsa", HOST, "dnssec-invalid"): 1}


# --- the operator's own demand ---


@pytest.mark.parametrize("demand", [OPPORTUNISTIC, REQUIRED], ids=["none", "encryption"])
def test_where_the_operator_wants_valid_certificates_nothing_less_will_do(
    demand: TlsDemand,
    authority: LocalAuthority,
    good: IssuedCertificate,
    stranger: LocalAuthority,
    server_context: ServerContext,
) -> None:
    strict = Connector(
        Manners("mta.test", 2, 2, 2),
        verify_tls=True,
        rng=random.Random(1),
        authorities=authority.certificate_path,
    )

    async def level(script: Script) -> TlsLevel:
        async with ScriptedMx(script) as mx:
            conversation = await strict.connect(to(mx), demand)
            conversation.quit()
            return conversation.tls.level

    assert asyncio.run(level(Script(tls=server_context(good)))) is TlsLevel.NAMED
    for script in NO_TLS, Script(tls=server_context(stranger.issue(HOST))):
        with pytest.raises(NoServer, match="TLS is required by the operator"):
            asyncio.run(level(script))


# --- where we come from ---


def test_a_connection_comes_from_the_address_and_with_the_name_that_are_given(door: Door) -> None:
    async def main() -> None:
        async with ScriptedMx() as mx:
            conversation = await door.connector.connect(to(mx), source="127.0.0.9", helo="out9.test")
            assert (mx.peers, mx.commands) == (["127.0.0.9"], ["EHLO out9.test"])
            conversation.quit()

    asyncio.run(main())


def test_servers_of_the_other_family_are_passed_over(door: Door) -> None:
    async def main() -> None:
        async with ScriptedMx() as mx:
            servers = (MailServer(HOST, "::1", mx.port), MailServer(HOST, "127.0.0.1", mx.port))
            conversation = await door.connector.connect(
                Destination("shop.test", (servers,)), source="127.0.0.1"
            )
            conversation.quit()
            with pytest.raises(NoServer, match=r"451 4\.4\.1 no mail server has an address of the kind"):
                await door.connector.connect(to(mx), source="::1")

    asyncio.run(main())


def test_an_address_that_is_not_ours_is_no_fault_of_the_servers(door: Door) -> None:
    async def main() -> None:
        async with ScriptedMx() as mx:
            with pytest.raises(NoServer, match=r"451 4\.3\.0 internal fault"):
                await door.connector.connect(to(mx, mx), source="192.0.2.1")
            assert mx.connections == 0

    asyncio.run(main())
