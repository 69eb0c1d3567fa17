"""Warm-ups in the real database: how days move an address, once each, and what people see of it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from platform_core.clock import StoppedClock
from relay_worker.addresses.models import IpAddress, IpWarmup, IpWarmupDay
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.services import pause_address
from relay_worker.addresses.tally import Tally
from relay_worker.addresses.warmup.judging import Verdict
from relay_worker.addresses.warmup.queries import WarmupProgress, warmups_of
from relay_worker.addresses.warmup.services import begin_warmup, run_warmups
from tests.relay_worker.addresses.conftest import AddResult, MakeAddress
from tests.relay_worker.addresses.fakes import NOON
from tests.relay_worker.queue.desk import owner_connection

GOOD = Tally(delivered=199, deferred=20)
DAY = timedelta(days=1)


class Ladder:
    """One address and its warm-up for Google, day by day."""

    def __init__(self, rows: Session, address: IpAddress, clock: StoppedClock, result: AddResult) -> None:
        self.rows, self.address, self.clock, self.result = rows, address, clock, result

    def send(self, tally: Tally) -> None:
        """This hour's mail, for which the day's till is opened as a worker would."""
        with owner_connection() as connection:
            connection.execute(
                "SELECT relay.take_allowance(ARRAY[ROW(%s, 'google', %s, 1)::relay.allowance])",
                (self.address.id, self.clock.now().date()),
            )
        self.result(self.address, self.clock.now().replace(minute=0), tally)

    def judge(self) -> None:
        run_warmups(self.rows, clock=self.clock)
        self.rows.commit()

    def pass_day(self) -> None:
        self.clock.advance(DAY)
        self.judge()

    @property
    def warmup(self) -> IpWarmup:
        self.rows.expire_all()
        return self.rows.get_one(IpWarmup, (self.address.id, Provider.GOOGLE))

    @property
    def progress(self) -> WarmupProgress:
        return warmups_of(self.rows, [self.address.id], self.clock.now())[self.address.id][0]


@pytest.fixture
def ladder(rows: Session, ip: MakeAddress, clock: StoppedClock, result: AddResult) -> Ladder:
    return Ladder(rows, ip(), clock, result)


def test_a_new_address_begins_at_the_first_stage_for_every_provider(rows: Session, ladder: Ladder) -> None:
    found = warmups_of(rows, [ladder.address.id], NOON)[ladder.address.id]
    assert [(one.provider, one.stage, one.per_day, one.taken_today) for one in found] == [
        (provider, 1, 200, 0) for provider in Provider
    ]


def test_a_good_day_leads_one_stage_up_and_only_once(ladder: Ladder) -> None:
    ladder.send(GOOD)
    ladder.judge()
    assert ladder.warmup.stage == 1
    ladder.pass_day()
    for _ in range(3):
        ladder.judge()
    assert (ladder.warmup.stage, ladder.warmup.per_day) == (2, 500)
    assert [(day.stage, day.taken, day.verdict) for day in ladder.progress.days] == [(1, 1, Verdict.ADVANCED)]


def test_days_with_little_mail_change_nothing_and_stall_after_ten(ladder: Ladder) -> None:
    for _ in range(9):
        ladder.send(Tally(delivered=100))
        ladder.pass_day()
    assert (ladder.warmup.stage, ladder.progress.stalled) == (1, False)
    ladder.pass_day()
    assert ladder.progress.stalled
    assert {day.verdict for day in ladder.progress.days} == {Verdict.UNUSED}


def test_a_block_leads_down_at_once_and_the_days_till_with_it(rows: Session, ladder: Ladder) -> None:
    begin_warmup(rows, ladder.address, clock=ladder.clock, stage=5)
    rows.commit()
    ladder.send(Tally(delivered=50, blocked=50))
    for _ in range(3):
        ladder.judge()
    assert ladder.warmup.stage == 4
    till = rows.get_one(IpWarmupDay, (ladder.address.id, Provider.GOOGLE, NOON.date()))
    assert (till.per_day, till.verdict) == (2000, Verdict.BLOCKED)
    ladder.pass_day()
    assert ladder.warmup.stage == 4


def test_a_block_the_next_day_leads_down_again(rows: Session, ladder: Ladder) -> None:
    begin_warmup(rows, ladder.address, clock=ladder.clock, stage=5)
    rows.commit()
    for _ in range(2):
        ladder.send(Tally(delivered=50, blocked=50))
        ladder.judge()
        ladder.pass_day()
    assert ladder.warmup.stage == 3


def test_throttling_holds_the_stage(ladder: Ladder) -> None:
    ladder.send(Tally(delivered=170, throttled=30))
    ladder.pass_day()
    assert (ladder.warmup.stage, ladder.progress.days[0].verdict) == (1, Verdict.THROTTLED)


def test_a_good_day_at_the_peak_ends_the_warm_up(
    rows: Session, ip: MakeAddress, clock: StoppedClock, result: AddResult
) -> None:
    ladder = Ladder(rows, ip("192.0.2.7", peak_per_day=400), clock, result)
    for sent in 200, 400:
        ladder.send(Tally(delivered=sent))
        ladder.pass_day()
    assert ladder.warmup.finished_on == NOON.date() + 2 * DAY
    assert ladder.progress.share == 1.0
    # No till any more: the workers send without counting.
    ladder.send(GOOD)
    assert rows.get(IpWarmupDay, (ladder.address.id, Provider.GOOGLE, ladder.clock.now().date())) is None


def test_an_address_that_was_silent_for_30_days_is_warmed_up_again(rows: Session, ladder: Ladder) -> None:
    begin_warmup(rows, ladder.address, clock=ladder.clock, stage=29)
    ladder.send(Tally(delivered=9_900_000))
    ladder.pass_day()
    assert ladder.warmup.finished_on is not None
    ladder.clock.advance(timedelta(days=28))
    ladder.judge()
    assert ladder.warmup.finished_on is not None
    ladder.pass_day()
    assert (ladder.warmup.finished_on, ladder.warmup.stage) == (None, 1)


def test_a_paused_address_is_not_judged(rows: Session, ladder: Ladder) -> None:
    ladder.send(GOOD)
    pause_address(rows, ladder.address, actor="tests")
    rows.commit()
    ladder.pass_day()
    assert ladder.warmup.stage == 1


def test_the_day_is_that_of_utc(ladder: Ladder) -> None:
    ladder.clock.advance(timedelta(hours=11, minutes=30))
    ladder.send(GOOD)
    ladder.clock.advance(timedelta(hours=1))
    assert ladder.clock.now() == datetime(2026, 11, 11, 0, 30, tzinfo=UTC)
    ladder.judge()
    assert ladder.warmup.stage == 2
