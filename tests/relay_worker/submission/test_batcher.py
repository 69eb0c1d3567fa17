"""Group commit, on a loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from platform_core.errors import Unavailable
from platform_core.ids import AccountId, ResellerId, SmtpAccountId, new_message_id
from relay_worker.queue.door import Submission, Verdict
from relay_worker.submission.batcher import Batcher
from tests.relay_worker.submission.fakes import FakeDoor


def make_submission(size: int = 100) -> Submission:
    now = datetime.now(UTC)
    return Submission(
        message_id=new_message_id(now),
        reseller_id=ResellerId(1),
        account_id=AccountId(1),
        smtp_account_id=SmtpAccountId(1),
        received_at=now,
        mail_from="",
        rcpt_to=("you@example.net",),
        header_from="me@example.org",
        subject="",
        message_id_header="",
        smtputf8=False,
        body_8bit=False,
        client_address="192.0.2.7",
        client_helo="",
        tls_version="",
        raw=b"x" * size,
    )


def make_batcher(door: FakeDoor, ring: Callable[[], Awaitable[None]] | None = None) -> Batcher:
    async def silent() -> None:
        pass

    return Batcher(door, ring or silent, most_messages=10, most_bytes=1_000, patience=0.2)


def submit_all(door: FakeDoor, sizes: list[int]) -> list[Verdict | BaseException]:
    async def run() -> list[Verdict | BaseException]:
        batcher = make_batcher(door)
        waiting = (batcher.submit(make_submission(size)) for size in sizes)
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(run())


def test_what_is_ready_together_is_committed_together(door: FakeDoor) -> None:
    assert submit_all(door, [10] * 8) == [Verdict.ACCEPTED] * 8
    assert door.batches == [8]


def test_a_batch_has_no_more_messages_than_set(door: FakeDoor) -> None:
    submit_all(door, [10] * 25)
    assert door.batches == [10, 10, 5]


def test_a_batch_has_no_more_bytes_than_set_unless_one_message_is_larger(door: FakeDoor) -> None:
    submit_all(door, [400, 400, 400, 5_000, 10])
    assert door.batches == [2, 1, 1, 1]


def test_what_comes_during_a_commit_is_the_next_batch(door: FakeDoor) -> None:
    door.delay = 0.02

    async def run() -> None:
        batcher = make_batcher(door)
        first = asyncio.create_task(batcher.submit(make_submission()))
        await asyncio.sleep(0.01)
        await asyncio.gather(first, *(batcher.submit(make_submission()) for _ in range(5)))

    asyncio.run(run())
    assert door.batches == [1, 5]


def test_a_message_handed_in_is_stored_though_its_session_dies(door: FakeDoor) -> None:
    door.delay = 0.01

    async def run() -> None:
        batcher = make_batcher(door)
        sessions = [asyncio.create_task(batcher.submit(make_submission())) for _ in range(3)]
        await asyncio.sleep(0)
        sessions[1].cancel()
        assert await sessions[0] == await sessions[2] == Verdict.ACCEPTED
        await batcher.close()

    asyncio.run(run())
    assert len(door.messages) == 3


def test_a_lasting_fault_fails_its_batch_and_no_other(door: FakeDoor) -> None:
    door.faults = 2

    async def run() -> list[object]:
        batcher = make_batcher(door)
        first = await asyncio.gather(batcher.submit(make_submission()), return_exceptions=True)
        return [*first, await batcher.submit(make_submission())]

    failed, verdict = asyncio.run(run())
    assert isinstance(failed, Unavailable)
    assert verdict is Verdict.ACCEPTED


def test_a_door_that_hangs_is_given_up(door: FakeDoor) -> None:
    door.delay = 5
    (outcome,) = submit_all(door, [10])
    assert isinstance(outcome, Unavailable)
    assert door.batches == [1]


@pytest.mark.parametrize("fault", [ValueError("a bug"), RuntimeError("another")])
def test_any_fault_of_the_door_is_ours(door: FakeDoor, fault: Exception) -> None:
    door.ingest_fault = fault
    assert [type(outcome) for outcome in submit_all(door, [10, 10])] == [Unavailable, Unavailable]


def test_a_broken_or_slow_bell_delays_nobody(door: FakeDoor) -> None:
    rings = []

    async def ring() -> None:
        rings.append(1)
        await asyncio.sleep(0.05)
        raise ConnectionError

    async def run() -> None:
        batcher = make_batcher(door, ring)
        for _ in range(3):
            assert await batcher.submit(make_submission()) is Verdict.ACCEPTED
        await batcher.close()

    asyncio.run(run())
    assert rings == [1]


def test_a_commit_while_a_bell_rings_is_rung_for_once_more(door: FakeDoor) -> None:
    rings = []

    async def ring() -> None:
        rings.append(len(door.messages))
        await asyncio.sleep(0.02)

    async def run() -> None:
        batcher = make_batcher(door, ring)
        for _ in range(4):
            await batcher.submit(make_submission())
        await batcher.close()

    asyncio.run(run())
    assert len(rings) == 2
    assert rings[-1] == 4
