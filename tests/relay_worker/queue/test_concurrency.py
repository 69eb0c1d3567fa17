"""Many at once, from several processes: credits and caps hold to the last one, and nobody waits for ever."""

import asyncio
import multiprocessing
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
from flask import Flask

from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef
from platform_core.settings import Settings
from relay_worker.queue.claims import Claimed
from relay_worker.queue.door import Submission, Verdict
from relay_worker.queue.postgres import PostgresClaims, PostgresDoor, open_pool
from tests.fixtures_database import fresh_reseller
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import NOON, Desk, open_account, owner_connection, result

PROCESSES = 2
PAYERS = """
    SELECT CASE WHEN lot_id IS NULL THEN 'plan' WHEN lot_id = 0 THEN 'overage' ELSE 'lot' END AS payer
    FROM recipient WHERE account_id = %(account)s"""


def ingest_all(
    settings: Settings, batches: Sequence[Sequence[Submission]], allotment: int = 0
) -> list[Verdict]:
    """Each batch in a call of its own, all at once over one pool; runs in a process of its own."""

    async def work() -> list[Verdict]:
        async with await open_pool(settings, size=12) as pool:
            door = PostgresDoor(pool, StoppedClock(NOON), allotment=allotment)
            found = await asyncio.gather(*(door.ingest(batch) for batch in batches))
        return [verdict for verdicts in found for verdict in verdicts]

    return asyncio.run(work())


Ingest = Callable[..., "Counter[Verdict]"]


@pytest.fixture(scope="module")
def ingest_everywhere(database: Settings) -> Iterator[Ingest]:
    """Spreads batches over processes that do nothing else."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as processes:

        def ingest(batches: Sequence[Sequence[Submission]], allotment: int = 0) -> "Counter[Verdict]":
            shares = [batches[n::PROCESSES] for n in range(PROCESSES)]
            found = processes.map(ingest_all, [database] * PROCESSES, shares, [allotment] * PROCESSES)
            return Counter(verdict for verdicts in found for verdict in verdicts)

        yield ingest


def test_of_300_messages_at_once_exactly_as_many_are_accepted_as_there_are_credits(
    ingest_everywhere: Ingest, account: OpenAccount
) -> None:
    sender = account(plan=20)
    for credits in 30, 50:
        sender.grant(credits)
    verdicts = ingest_everywhere([[message] for message in sender.messages(300)])
    assert verdicts == {Verdict.ACCEPTED: 100, Verdict.CREDITS_EXHAUSTED: 200}
    assert (sender.used, sender.from_plan, sender.ledger) == (100, 20, 0)
    assert (set(sender.lots.values()), len(sender.due), sender.stats) == ({0}, 100, {"accepted": 100})


def test_with_allotments_too_exactly_as_many_are_accepted_as_there_are_credits(
    ingest_everywhere: Ingest, account: OpenAccount
) -> None:
    """Several accounts in each batch, in any order, so that batches meet over accounts and allotments alike."""
    senders = [account(plan=100), account(credits=100), account(credits=400, cap=100)]
    messages = [message for _ in range(150) for sender in senders for message in sender.messages(1)]
    random.Random(22).shuffle(messages)
    batches = [messages[start : start + 3] for start in range(0, len(messages), 3)]
    verdicts = ingest_everywhere(batches, allotment=16)
    assert verdicts == {Verdict.ACCEPTED: 300, Verdict.CREDITS_EXHAUSTED: 100, Verdict.CAP_REACHED: 50}
    senders[0].end_allotments()
    assert [sender.used for sender in senders] == [100, 100, 100]
    assert [sender.ledger for sender in senders] == [0, 0, 300]
    assert [sender.stats for sender in senders] == [{"accepted": 100}] * 3


def test_overage_never_goes_beyond_its_limit_whatever_runs_at_once(
    ingest_everywhere: Ingest, account: OpenAccount
) -> None:
    sender = account(plan=20, credits=30)
    sender.change("account", overage_quota=25)
    verdicts = ingest_everywhere([[message] for message in sender.messages(150)])
    assert verdicts == {Verdict.ACCEPTED: 75, Verdict.CREDITS_EXHAUSTED: 75}
    assert (sender.used, sender.from_plan, sender.overage, sender.ledger) == (75, 20, 25, 0)
    payers = Counter(row["payer"] for row in sender.rows(PAYERS))
    assert payers == {"plan": 20, "lot": 30, "overage": 25}


@pytest.mark.parametrize("round", range(3))
def test_a_cap_is_never_overshot_whatever_runs_at_once(desk: Desk, account: OpenAccount, round: int) -> None:
    sender = account(credits=1000, cap=100)
    batches = [[sender.message("a@example.org", "b@example.org")] for _ in range(100)]
    verdicts = Counter(ingest_all(desk.settings, batches))
    assert verdicts == {Verdict.ACCEPTED: 50, Verdict.CAP_REACHED: 50}
    assert (sender.used, sender.ledger) == (100, 900)


@pytest.mark.parametrize("round", range(3))
def test_the_last_credits_go_to_somebody_and_only_once(desk: Desk, account: OpenAccount, round: int) -> None:
    sender = account(credits=100)
    batches = [[sender.message()] for _ in range(120)]
    assert Counter(ingest_all(desk.settings, batches))[Verdict.ACCEPTED] == 100
    assert (sender.used, sender.ledger, set(sender.lots.values())) == (100, 0, {0})


def test_batches_over_the_same_accounts_in_any_order_never_lock_each_other_out(
    desk: Desk, ingest_everywhere: Ingest, account: OpenAccount
) -> None:
    senders = [account(reseller=n % 3, credits=1000) for n in range(6)]
    batches = []
    for n in range(60):
        turned = senders[n % 6 :] + senders[: n % 6]
        order = turned if n % 2 else turned[::-1]
        batches.append([sender.message(f"{n}@example.org") for sender in order])
    before = deadlocks(desk)
    assert ingest_everywhere(batches) == {Verdict.ACCEPTED: 360}
    assert deadlocks(desk) == before
    assert [sender.used for sender in senders] == [60] * 6


def deadlocks(desk: Desk) -> int:
    async def ask() -> int:
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        async with desk.pool.acquire() as connection:
            return int(await connection.fetchval(query))

    return int(desk.run(ask()))


def test_many_workers_at_once_share_everything_and_nothing_twice(desk: Desk, account: OpenAccount) -> None:
    senders = [account(reseller=n % 3, plan=200) for n in range(3)]
    for sender in senders:
        desk.accept(*(sender.message(f"{n}@lane{n % 5}.example") for n in range(200)))

    async def work_off(claims: PostgresClaims) -> list[Claimed]:
        mine: list[Claimed] = []
        while claimed := await claims.claim(20):
            await claims.finish(list(map(result, claimed)))
            mine += claimed
        await claims.post()
        return mine

    async def work() -> list[list[Claimed]]:
        async with await open_pool(desk.settings, size=6) as pool:
            workers = [PostgresClaims(pool, desk.settings) for _ in range(6)]
            return await asyncio.gather(*map(work_off, workers))

    shares = desk.run(work())
    taken = Counter((one.message_id, one.n) for share in shares for one in share)
    assert (len(taken), set(taken.values())) == (600, {1})
    assert [sender.stats for sender in senders] == [{"accepted": 200, "delivered": 200}] * 3


def test_mail_that_comes_while_its_reseller_is_deleted_stays_in_no_queue(
    app: Flask, desk: Desk, books: psycopg.Connection[dict[str, Any]]
) -> None:
    reseller = fresh_reseller().reseller
    sender = open_account(books, reseller, credits=1)
    with ThreadPoolExecutor(2) as threads:
        with owner_connection() as obstacle:
            obstacle.execute("LOCK TABLE relay.result_log IN EXCLUSIVE MODE")
            ingesting = threads.submit(desk.ingest, sender.message())
            wait_until_blocked(books, "%relay.ingest%")
            deleting = threads.submit(delete, reseller)
            wait_until_blocked(books, "%drop_tenant%")
        assert ingesting.result() == [Verdict.ACCEPTED]
        deleting.result()
    left = books.execute("SELECT message_id FROM relay.due WHERE reseller_id = %s", [reseller.id]).fetchall()
    assert left == []


def delete(reseller: ResellerRef) -> None:
    with owner_connection() as connection:
        connection.execute("SELECT platform.drop_tenant(%s)", [reseller.key])
        connection.execute("DELETE FROM platform.reseller WHERE id = %s", [reseller.id])


def wait_until_blocked(books: psycopg.Connection[dict[str, Any]], statement: str) -> None:
    """Until a connection that runs such a statement waits for another's lock."""
    query = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
    ends = monotonic() + 10
    while not books.execute(query, [statement]).fetchall():
        assert monotonic() < ends
        sleep(0.02)
