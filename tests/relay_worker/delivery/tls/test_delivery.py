"""From a transaction to its mail server, under what DNS and a policy host say of the domain."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

import pytest

from platform_core.clock import StoppedClock
from platform_core.mail.states import RecipientState
from platform_core.settings import Settings
from platform_dev.authority import LocalAuthority
from platform_dev.nameserver import Nameserver
from relay_worker.addresses.chooser import SystemsChoice
from relay_worker.delivery.client import Manners
from relay_worker.delivery.connector import Connector
from relay_worker.delivery.destination import Destination, MailServer
from relay_worker.delivery.dispatcher import Dispatcher, Maps
from relay_worker.delivery.engine import Engine
from relay_worker.delivery.lanes.limits import LaneLimits
from relay_worker.delivery.mx import MxLookup
from relay_worker.delivery.routes import DestinationFinder, RouteTable
from relay_worker.delivery.surroundings import Surroundings
from relay_worker.delivery.tls.finder import TlsPolicies
from relay_worker.delivery.tls.policy import TlsPolicy, decide
from relay_worker.delivery.tls.tally import TlsTally
from relay_worker.delivery.transaction import Answer, Transaction
from tests.relay_worker.delivery.factories import InMemoryClaims, recipient, transaction_to
from tests.relay_worker.delivery.harbour import Harbour
from tests.relay_worker.delivery.tls.conftest import (
    POLICY,
    InMemoryBook,
    PolicyServer,
    ServerContext,
    http,
)
from tests.relay_worker.scripted_mx import Script, ScriptedMx

RELAXED = b"Subject: Hello\r\nTLS-Required: No\r\n\r\nHello\r\n"

World = Callable[[Script], AbstractAsyncContextManager[tuple[Settings, ScriptedMx]]]
Send = Callable[..., tuple[list[Answer], ScriptedMx]]


@pytest.fixture
def zone(nameserver: Nameserver) -> Nameserver:
    """shop.test has a policy that is enforced, plain.test has the same mail server and none."""
    for domain in "shop.test", "plain.test":
        nameserver.records.set(domain, "MX", "10 mx.shop.test.")
    for host in "mx.shop.test", "mta-sts.shop.test":
        nameserver.records.set(host, "A", "127.0.0.1")
    nameserver.records.set("_mta-sts.shop.test", "TXT", "v=STSv1; id=1")
    return nameserver


@pytest.fixture
def world(
    authority: LocalAuthority,
    server_context: ServerContext,
    zone: Nameserver,
    make_settings: Callable[..., Settings],
) -> World:
    """The policy host and the mail server at work, and settings that lead to both."""
    policy_tls = server_context(authority.issue("mta-sts.shop.test"))

    @asynccontextmanager
    async def running(script: Script) -> AsyncIterator[tuple[Settings, ScriptedMx]]:
        async with PolicyServer(policy_tls, http(POLICY)) as server, ScriptedMx(script) as mx:
            settings = make_settings(
                nameservers=(zone.address,),
                delivery_allow_private_addresses=True,
                delivery_ca_file=authority.certificate_path,
                delivery_mta_sts_port=server.port,
                delivery_port=mx.port,
            )
            yield settings, mx

    return running


@pytest.fixture
def send(world: World, book: InMemoryBook, clock: StoppedClock) -> Send:
    """Sends transactions through a dispatcher."""

    async def main(script: Script, transactions: Sequence[Transaction]) -> tuple[list[Answer], ScriptedMx]:
        async with world(script) as (settings, mx):
            return await _sent(settings, book, clock, transactions), mx

    return lambda script, *transactions: asyncio.run(main(script, transactions))


def never(transaction: Transaction, until: datetime) -> None:
    raise AssertionError("nothing is put back here")


async def _sent(
    settings: Settings, book: InMemoryBook, clock: StoppedClock, transactions: Sequence[Transaction]
) -> list[Answer]:
    answers: dict[int, Answer] = {}

    def settle(transaction: Transaction, given: Sequence[Answer]) -> None:
        answers[transactions.index(transaction)] = given[0]

    tally = TlsTally(book, clock)
    connector = Connector(
        Manners.from_settings(settings),
        verify_tls=False,
        rng=random.Random(1),
        authorities=settings.delivery_ca_file,
        tally=tally,
    )
    harbour = Harbour.build(connector, settle, never, limits=LaneLimits.from_settings(settings))
    finder = DestinationFinder(RouteTable.from_settings(settings), MxLookup.from_settings(settings))
    policies = TlsPolicies.from_settings(settings, book, tally, clock)
    maps = Maps(finder, policies, harbour.sites)
    dispatcher = Dispatcher(maps, harbour.lanes, SystemsChoice(), settle, never)
    for transaction in transactions:
        dispatcher.dispatch(transaction)
    async with asyncio.timeout(5):
        while len(answers) < len(transactions):
            await asyncio.sleep(0.005)
    await harbour.close()
    await tally.close()
    return [answers[number] for number in range(len(transactions))]


def test_mail_under_an_enforced_policy_waits_while_its_neighbour_goes_in_clear(
    send: Send, book: InMemoryBook
) -> None:
    to_shop, to_plain = transaction_to("you@shop.test"), transaction_to("you@plain.test")
    answers, mx = send(Script(tls_broken=True), to_shop, to_plain)
    assert [answer.reply.code for answer in answers] == [454, 250]
    assert [item.rcpt_to for item in mx.delivered] == [("you@plain.test",)]
    assert set(book.sessions()) == {
        ("shop.test", "sts", "mx.shop.test", "validation-failure"),
        ("plain.test", "no-policy-found", "mx.shop.test", "validation-failure"),
    }


def test_mail_under_an_enforced_policy_goes_where_the_certificate_holds(
    send: Send, authority: LocalAuthority, server_context: ServerContext
) -> None:
    tls = server_context(authority.issue("mx.shop.test"))
    (answer,), mx = send(Script(tls=tls), transaction_to("you@shop.test"))
    assert (answer.reply.code, mx.delivered[0].tls) == (250, "TLSv1.3")


def test_a_message_that_does_not_need_tls_goes_past_the_policy(send: Send) -> None:
    answers, _ = send(Script(), transaction_to("you@shop.test", content=RELAXED))
    assert [answer.reply.code for answer in answers] == [250]


def test_an_account_that_requires_tls_has_its_mail_wait_whatever_the_message_says(send: Send) -> None:
    strict = transaction_to("you@plain.test", content=RELAXED, requires_tls=True)
    (answer,), mx = send(Script(), strict)
    assert answer.reply.line() == (
        "454 4.7.4 TLS is required by the account, but the server does not offer STARTTLS"
    )
    assert (answer.remote_host, mx.delivered) == ("mx.shop.test", [])


def test_a_session_is_counted_for_the_domain_that_it_was_opened_for(
    book: InMemoryBook, clock: StoppedClock
) -> None:
    """Although all domains without a policy share the lane of their mail server."""
    settled: list[Transaction] = []

    async def main() -> None:
        tally = TlsTally(book, clock)
        manners = Manners("mta.test", 2, 2, 2)
        connector = Connector(manners, verify_tls=False, rng=random.Random(1), tally=tally)
        one_each = LaneLimits(connections=1, messages_per_connection=1, idle_seconds=1)
        lanes = Harbour.build(
            connector, lambda transaction, _: settled.append(transaction), never, limits=one_each
        )
        async with ScriptedMx() as mx, asyncio.timeout(5):
            server = MailServer("mx.shop.test", mx.address, mx.port)
            for number, domain in enumerate(("plain.test", "simple.test"), 1):
                to_domain = transaction_to(f"you@{domain}")
                lanes.put(Destination("mx", ((server,),)), to_domain, decide(TlsPolicy(domain)))
                while len(settled) < number:
                    await asyncio.sleep(0.005)
        await lanes.close()
        await tally.close()

    asyncio.run(main())
    assert [domain for domain, *_ in book.sessions()] == ["plain.test", "simple.test"]


def test_the_engine_holds_to_policies_and_counts_what_came_of_them(world: World, book: InMemoryBook) -> None:
    claims = InMemoryClaims([recipient("you@shop.test"), recipient("you@plain.test")])

    async def main() -> None:
        async with world(Script()) as (settings, _):
            engine = Engine(settings, claims, Surroundings(tls_book=book))
            await engine.run(time.monotonic() + 10)
            await engine.close(0.1)

    asyncio.run(main())
    assert {result.state: result.enhanced_code for result in claims.results} == {
        RecipientState.DEFERRED: "4.7.4",
        RecipientState.DELIVERED: "2.0.0",
    }
    assert set(book.sessions()) == {
        ("shop.test", "sts", "mx.shop.test", "starttls-not-supported"),
        ("plain.test", "no-policy-found", "mx.shop.test", "starttls-not-supported"),
    }
    assert list(book.kept) == ["shop.test"]
