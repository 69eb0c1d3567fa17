"""Who gets what to deliver: fairness among resellers and lanes, leases, and bodies."""

from collections import Counter

from platform_core.mail.states import RecipientState
from relay_worker.queue.claims import Claimed
from relay_worker.queue.postgres import INLINE_BYTES, PER_LANE, PER_RESELLER
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import (
    RAW,
    Desk,
    Sender,
    Worker,
    end_leases,
    owner_connection,
    result,
)
from tests.relay_worker.queue.test_batches import broken


def fill(desk: Desk, sender: Sender, count: int, *, lanes: int = 1) -> None:
    """Queue `count` messages to as many domains as there shall be lanes."""
    batch = [sender.message(f"{n}@lane{n % lanes}.example") for n in range(count)]
    desk.accept(*batch)


def keys(claimed: list[Claimed]) -> set[tuple[object, int]]:
    return {(one.message_id, one.n) for one in claimed}


def test_a_claim_brings_all_that_delivery_needs(desk: Desk, account: OpenAccount, worker: Worker) -> None:
    sender = account(credits=2)
    message = sender.message("a@example.org", "b@example.net", smtputf8=True)
    desk.accept(message)
    first, second = sorted(worker.claim(), key=lambda one: one.n)
    assert (first.message_id, first.rcpt_to, first.domain, first.raw) == (
        message.message_id, "a@example.org", "example.org", RAW
    )  # fmt: skip
    assert (second.rcpt_to, second.domain, second.raw) == ("b@example.net", "example.net", None)
    assert (first.mail_from, first.header_from, first.size) == (
        message.mail_from,
        message.header_from,
        len(RAW),
    )
    assert first.smtputf8 and not first.body_8bit
    assert (first.attempts, first.account_id, first.reseller_id) == (0, sender.account_id, sender.reseller.id)
    hours = (first.expires_at - first.accepted_at).total_seconds() / 3600
    assert hours == desk.settings.delivery_expire_hours
    assert first.lane != second.lane


def test_a_large_body_is_fetched_apart(desk: Desk, account: OpenAccount, worker: Worker) -> None:
    sender = account(credits=2)
    small, large = sender.message(raw=b"x" * INLINE_BYTES), sender.message(raw=b"x" * (INLINE_BYTES + 1))
    desk.accept(small, large)
    sizes = {one.message_id: one.raw and len(one.raw) for one in worker.claim()}
    assert sizes == {small.message_id: INLINE_BYTES, large.message_id: None}
    assert len(worker.body(sender.reseller.id, large.message_id)) == INLINE_BYTES + 1


def test_what_is_claimed_is_nobody_elses(
    desk: Desk, account: OpenAccount, worker: Worker, another_worker: Worker
) -> None:
    fill(desk, account(credits=30), 30, lanes=3)
    mine, theirs = worker.claim(20), another_worker.claim(20)
    assert (len(mine), len(theirs)) == (20, 10)
    assert not keys(mine) & keys(theirs)
    assert worker.claim() == another_worker.claim() == []


def test_a_lease_that_ran_out_is_claimed_again(
    desk: Desk, account: OpenAccount, worker: Worker, another_worker: Worker
) -> None:
    fill(desk, account(credits=3), 3)
    mine = worker.claim()
    end_leases()
    assert keys(another_worker.claim()) == keys(mine)


def test_a_renewed_lease_is_kept(
    desk: Desk, account: OpenAccount, worker: Worker, another_worker: Worker
) -> None:
    fill(desk, account(credits=3), 3)
    kept, left, _ = worker.claim()
    end_leases()
    worker.renew(kept)
    assert len(another_worker.claim()) == 2
    end_leases()
    worker.renew(left)  # another's by now
    assert len(another_worker.claim()) == 3


def test_a_deferred_recipient_comes_back_at_its_time_and_counts_its_attempts(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sender = account(credits=1)
    desk.accept(sender.message())
    [first] = worker.claim()
    worker.finish(result(first, RecipientState.DEFERRED))
    assert worker.claim() == []
    end_leases()
    [second] = worker.claim()
    assert (second.attempts, second.accepted_at) == (1, first.accepted_at)


def test_5000_of_one_reseller_do_not_delay_10_of_another(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    flood, few = account(plan=5000), account(reseller=1, plan=10)
    fill(desk, flood, 5000, lanes=40)
    fill(desk, few, 10)
    claimed = worker.claim(PER_RESELLER + 10)
    assert Counter(one.reseller_id for one in claimed) == {
        flood.reseller.id: PER_RESELLER,
        few.reseller.id: 10,
    }


def test_a_claim_goes_on_behind_the_reseller_served_last(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    senders = [account(reseller=n, plan=40) for n in range(3)]
    for sender in senders:
        fill(desk, sender, 40, lanes=4)
    turns = [{one.reseller_id for one in worker.claim(10)} for _ in range(4)]
    first, second, third = (sender.reseller.id for sender in senders)
    assert turns == [{first}, {second}, {third}, {first}]


def test_one_lane_does_not_starve_the_others_of_its_reseller(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sender = account(plan=600)
    desk.accept(*(sender.message(f"{n}@busy.example") for n in range(500)))
    desk.accept(*(sender.message(f"1@quiet{n}.example") for n in range(3)))
    domains = Counter(one.domain for one in worker.claim(PER_RESELLER))
    assert domains["busy.example"] == PER_RESELLER - 3
    assert all(domains[f"quiet{n}.example"] == 1 for n in range(3))
    assert PER_LANE < PER_RESELLER


def test_within_a_lane_the_oldest_go_first(desk: Desk, account: OpenAccount, worker: Worker) -> None:
    sender = account(plan=3)
    late, early = sender.message(), sender.message()
    desk.accept(late)
    desk.accept(early)
    with owner_connection() as connection:
        connection.execute(
            "UPDATE relay.due SET next_at = next_at - interval '1 hour' WHERE message_id = %s",
            (early.message_id,),
        )
    [first] = worker.claim(1)
    assert first.message_id == early.message_id


def test_crowded_lanes_are_left_alone(desk: Desk, account: OpenAccount, worker: Worker) -> None:
    fill(desk, account(plan=20), 20, lanes=2)
    lane = worker.claim(1)[0].lane
    others = worker.claim(exclude=[lane])
    assert len(others) == 10
    assert lane not in {one.lane for one in others}


def test_a_claim_takes_everything_when_there_is_room(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    """More than one round: the shares keep nobody from what nobody else wants."""
    fill(desk, account(plan=300), 300, lanes=2)
    assert len(worker.claim(500)) == 300


def test_a_broken_reseller_holds_up_nobody_else(desk: Desk, account: OpenAccount, worker: Worker) -> None:
    senders = [account(reseller=n, plan=2) for n in range(3)]
    for sender in senders:
        fill(desk, sender, 2)
    with broken(senders[1]):
        claimed = worker.claim()
    assert {one.reseller_id for one in claimed} == {senders[0].reseller.id, senders[2].reseller.id}
    end_leases()
    worker.finish(*map(result, claimed))
    assert {one.reseller_id for one in worker.claim()} == {senders[1].reseller.id}


def test_a_reseller_whose_tables_are_locked_holds_up_nobody_else(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    """As by a migration that takes its time."""
    locked, free = account(plan=1), account(reseller=1, plan=1)
    desk.accept(locked.message(), free.message())
    with owner_connection(locked.reseller) as migration:
        migration.execute("LOCK TABLE recipient IN ACCESS EXCLUSIVE MODE")
        claimed = worker.claim()
    assert [one.reseller_id for one in claimed] == [free.reseller.id]
    worker.finish(*map(result, claimed))
    end_leases()
    assert [one.reseller_id for one in worker.claim()] == [locked.reseller.id]
