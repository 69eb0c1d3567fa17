"""Many at once, over several processes and connections: credits hold to the last one, and the books stay sound."""

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from billing.ledger.checks import check_ledger
from billing.ledger.services import grant_credits, record_lapsed
from billing.ledger.transfers import hand_over, take_back
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import InsufficientCredits
from platform_core.settings import Settings
from relay_worker.queue.door import Submission, Verdict
from relay_worker.queue.postgres import PostgresDoor, open_pool
from tenants.accounts.queries import main_account
from tenants.models import Account
from tests.relay_worker.queue.desk import NOON, Sender, open_account, owner_connection

RELAYS = 2
SENDERS = 100

Ingest = Callable[[Sequence[Submission]], "Counter[Verdict]"]


def ingest_all(settings: Settings, messages: Sequence[Submission]) -> list[Verdict]:
    """Each message in a call of its own, all at once over one pool; runs in a process of its own."""

    async def work() -> list[Verdict]:
        async with await open_pool(settings, size=10) as pool:
            door = PostgresDoor(pool, StoppedClock(NOON), allotment=settings.relay_allotment)
            found = await asyncio.gather(*(door.ingest([message]) for message in messages))
        return [verdict for verdicts in found for verdict in verdicts]

    return asyncio.run(work())


@pytest.fixture(scope="module")
def ingest(database: Settings) -> Iterator[Ingest]:
    """Spreads messages over relays that do nothing else."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(RELAYS, mp_context=context) as relays:

        def everywhere(messages: Sequence[Submission]) -> "Counter[Verdict]":
            shares = [messages[n::RELAYS] for n in range(RELAYS)]
            found = relays.map(ingest_all, [database] * RELAYS, shares)
            return Counter(verdict for verdicts in found for verdict in verdicts)

        yield everywhere


@pytest.fixture
def books(database: Settings) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with owner_connection() as connection:
        connection.autocommit = True
        yield connection


def sound(reseller: ResellerRef) -> bool:
    with tenant_session(reseller) as session:
        return check_ledger(session).sound


def exactly_100(sender: Sender, ingest: Ingest) -> None:
    """Every sender tries two messages, half of them to two recipients, on 100 credits in three lots."""
    for credits in 50, 49, 1:
        sender.grant(credits)
    singles, pairs = sender.messages(SENDERS), sender.messages(SENDERS, "a@x.example", "b@x.example")
    used = sender.used
    verdicts = ingest([message for both in zip(singles, pairs, strict=True) for message in both])
    assert set(verdicts) == {Verdict.ACCEPTED, Verdict.CREDITS_EXHAUSTED}
    assert sender.used - used == 100
    assert sender.ledger == 0
    assert sound(sender.reseller)


def test_100_senders_on_100_credits_get_exactly_100_recipients_accepted(
    app: Flask, ingest: Ingest, reseller: ResellerRef, books: psycopg.Connection[dict[str, Any]]
) -> None:
    sender = open_account(books, reseller)
    for _ in range(3):
        exactly_100(sender, ingest)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_it_is_100_in_50_of_50_runs(
    app: Flask, ingest: Ingest, reseller: ResellerRef, books: psycopg.Connection[dict[str, Any]]
) -> None:
    sender = open_account(books, reseller)
    for _ in range(50):
        exactly_100(sender, ingest)


def test_credits_that_come_and_go_while_mail_is_sent_are_neither_lost_nor_doubled(
    app: Flask, ingest: Ingest, reseller: ResellerRef, books: psycopg.Connection[dict[str, Any]]
) -> None:
    """Handing over and taking back in two threads, against senders: whoever comes first, the sum is right."""
    clock = StoppedClock(NOON)
    sender = open_account(books, reseller)
    with tenant_session(reseller) as session:
        grant_credits(session, main_account(session), 500, clock=clock)
        session.commit()

    def trade(back: bool) -> int:
        """Twenty times 7 credits, as far as they are there; how many have moved."""
        moved = 0
        with app.app_context(), tenant_session(reseller) as session:
            for _ in range(20):
                ends = (main_account(session), session.get_one(Account, sender.account_id))
                source, target = ends[::-1] if back else ends
                try:
                    moved += (take_back if back else hand_over)(
                        session, source, target, 7, clock=clock
                    ).credits
                except InsufficientCredits:
                    session.rollback()
                    continue
                session.commit()
        return moved

    with ThreadPoolExecutor(2) as traders:
        trades = [traders.submit(trade, back) for back in (False, True)]
        verdicts = ingest(sender.messages(150))
        given, taken = (one.result() for one in trades)
    assert sender.ledger == given - taken - verdicts[Verdict.ACCEPTED]
    assert given == 140
    assert sound(reseller)


def test_the_check_is_sound_at_every_moment_while_mail_is_sent(
    app: Flask, ingest: Ingest, reseller: ResellerRef, books: psycopg.Connection[dict[str, Any]]
) -> None:
    sender = open_account(books, reseller, credits=200)
    with ThreadPoolExecutor(1) as beside:
        sending = beside.submit(ingest, sender.messages(200))
        checks = [sound(reseller)]
        while not sending.done():
            checks.append(sound(reseller))
    assert all(checks)
    assert sending.result() == {Verdict.ACCEPTED: 200}


def test_whoever_sends_while_lapsed_credits_are_written_down_finds_none(
    app: Flask, ingest: Ingest, reseller: ResellerRef, books: psycopg.Connection[dict[str, Any]]
) -> None:
    sender = open_account(books, reseller)
    sender.grant(50, expires_at=NOON)
    sender.grant(10, expires_at=NOON + timedelta(seconds=1))

    def write_down() -> int:
        with app.app_context(), tenant_session(reseller) as session:
            lapsed = record_lapsed(session, clock=StoppedClock(NOON))
            session.commit()
        return lapsed.credits

    with ThreadPoolExecutor(2) as beside:
        twice = [beside.submit(write_down) for _ in range(2)]
        verdicts = ingest(sender.messages(30))
        assert sum(one.result() for one in twice) == 50
    assert verdicts == {Verdict.ACCEPTED: 10, Verdict.CREDITS_EXHAUSTED: 20}
    assert sender.ledger == 0
    assert sound(reseller)
