"""Many accounts and resellers in one call, a fault of one of them, and calls that are made again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from platform_core.clock import StoppedClock
from relay_worker.queue.door import Verdict
from relay_worker.queue.postgres import PostgresDoor, open_pool
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import NOON, Desk, Sender, owner_connection, result


@contextmanager
def broken(sender: Sender, table: str = "message_body") -> Iterator[None]:
    """The reseller's schema lacks a table meanwhile."""
    with owner_connection(sender.reseller) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        with owner_connection(sender.reseller) as connection:
            connection.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


def test_accounts_and_resellers_share_a_batch(desk: Desk, account: OpenAccount) -> None:
    senders = [account(reseller=n % 2, credits=3) for n in range(4)]
    batch = [sender.message(f"{n}@example.org") for n in range(3) for sender in senders]
    desk.accept(*batch)
    for sender in senders:
        assert sorted(sender.states) == ["0@example.org", "1@example.org", "2@example.org"]
        assert (sender.used, sender.ledger, len(sender.due)) == (3, 0, 3)


def test_a_fault_of_one_reseller_is_not_anothers(desk: Desk, account: OpenAccount) -> None:
    sick, well = account(credits=2), account(reseller=1, credits=2)
    with broken(sick):
        verdicts = desk.ingest(sick.message(), well.message(), sick.message())
    assert verdicts == [Verdict.TEMPORARY_FAULT, Verdict.ACCEPTED, Verdict.TEMPORARY_FAULT]
    assert (sick.used, sick.ledger, sick.count("message"), sick.due) == (0, 2, 0, [])
    assert (well.used, well.ledger) == (1, 1)


def test_when_the_fault_is_over_the_same_message_is_accepted(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=1)
    message = sender.message()
    with broken(sender):
        assert desk.ingest(message) == [Verdict.TEMPORARY_FAULT]
    assert desk.ingest(message) == [Verdict.ACCEPTED]


def test_one_message_that_can_not_be_written_is_put_off_alone(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=3)
    unwritable = sender.message(subject="a NUL \x00 is no text for Postgres")
    verdicts = desk.ingest(sender.message(), unwritable, sender.message())
    assert verdicts == [Verdict.ACCEPTED, Verdict.TEMPORARY_FAULT, Verdict.ACCEPTED]
    assert (sender.used, sender.ledger) == (2, 1)


def test_a_call_made_again_doubles_nothing(desk: Desk, account: OpenAccount) -> None:
    sender = account(plan=1, credits=5)
    sender.suppress("gone@example.org")
    batch = [sender.message("a@example.org", "b@example.org"), sender.message("gone@example.org")]
    first = desk.ingest(*batch)
    books = (sender.used, sender.ledger, sender.stats, len(sender.due), sender.count("message"))
    assert desk.ingest(*batch) == first == [Verdict.ACCEPTED, Verdict.RECIPIENTS_SUPPRESSED]
    assert (sender.used, sender.ledger, sender.stats, len(sender.due), sender.count("message")) == books


def test_a_call_made_again_with_more_in_it_writes_what_is_new(desk: Desk, account: OpenAccount) -> None:
    sender, other = account(credits=5), account(reseller=1, credits=5)
    known = sender.message()
    desk.accept(known)
    desk.accept(sender.message(), known, other.message())
    assert (sender.used, sender.ledger, other.used) == (2, 3, 1)


def test_a_call_made_again_long_after_delivery_queues_nothing(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=1)
    message = sender.message()
    desk.accept(message)
    worker = desk.worker()
    worker.finish(*map(result, worker.claim()))
    assert desk.ingest(message) == [Verdict.ACCEPTED]
    assert sender.due == []


def test_connections_that_died_while_idle_cost_nobody_a_message(desk: Desk, account: OpenAccount) -> None:
    """As after a restart of Postgres: every connection of the pool is dead, and no one has noticed yet."""
    sender = account(credits=3)

    async def lose_connections() -> list[Verdict]:
        async with await open_pool(desk.settings, size=3) as pool:
            connections = [await pool.acquire() for _ in range(3)]
            pids = [connection.get_server_pid() for connection in connections]
            for connection in connections:
                await pool.release(connection)
            with owner_connection() as owner:
                owner.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", (pids,))
            await asyncio.sleep(0.1)
            return await PostgresDoor(pool, StoppedClock(NOON)).ingest(sender.messages(2))

    assert desk.run(lose_connections()) == [Verdict.ACCEPTED, Verdict.ACCEPTED]
    assert sender.used == 2


def test_a_second_call_while_the_first_still_runs_gives_the_same_answer(
    desk: Desk, account: OpenAccount
) -> None:
    """As when the relay gives up waiting for an answer: the database goes on with what it was told."""
    sender = account(credits=5)
    message = sender.message()

    async def call_twice() -> list[list[Verdict]]:
        door = PostgresDoor(desk.pool, StoppedClock(NOON))
        return await asyncio.gather(door.ingest([message]), door.ingest([message]))

    assert desk.run(call_twice()) == [[Verdict.ACCEPTED], [Verdict.ACCEPTED]]
    assert (sender.used, sender.ledger, len(sender.due)) == (1, 4, 1)
