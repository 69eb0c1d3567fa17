"""The ladder of warm-up and what moves an address on it."""

import pytest

from relay_worker.addresses.tally import Tally
from relay_worker.addresses.warmup.judging import Verdict, WarmupDay, judge, next_stage
from relay_worker.addresses.warmup.ladder import LADDER, LAST, is_top, per_day


@pytest.mark.parametrize(
    ("stage", "limit"), [(1, 200), (2, 500), (6, 10_000), (20, 1_000_000), (29, 10_000_000)]
)
def test_the_ladder_is_the_published_one(stage: int, limit: int) -> None:
    assert per_day(stage) == limit
    assert list(LADDER) == sorted(LADDER) and len(LADDER) == LAST == 29


def test_the_ladder_ends_at_the_peak_that_is_needed() -> None:
    assert [per_day(stage, 3_000) for stage in (4, 5, 6)] == [2_000, 3_000, 3_000]
    assert [is_top(stage, 3_000) for stage in (4, 5)] == [False, True]
    assert [is_top(stage) for stage in (28, 29)] == [False, True]


@pytest.mark.parametrize(
    ("tally", "verdict"),
    [
        (Tally(delivered=930), Verdict.ADVANCED),
        (Tally(delivered=900), Verdict.UNUSED),
        (Tally(delivered=901), Verdict.ADVANCED),
        (Tally(), Verdict.UNUSED),
        (Tally(delivered=961, bounced=39), Verdict.ADVANCED),
        (Tally(delivered=960, bounced=40), Verdict.BOUNCED),
        (Tally(delivered=1000, complained=1), Verdict.COMPLAINED),
        (Tally(delivered=999, blocked=1), Verdict.ADVANCED),
        (Tally(delivered=955, blocked=45), Verdict.ADVANCED),
        (Tally(delivered=950, blocked=50), Verdict.BLOCKED),
        (Tally(delivered=900, throttled=100), Verdict.THROTTLED),
        (Tally(delivered=910, throttled=90), Verdict.ADVANCED),
        (Tally(delivered=880, throttled=60, blocked=30, bounced=30), Verdict.UNDELIVERED),
        (Tally(delivered=600, deferred=400), Verdict.ADVANCED),
    ],
)
def test_a_day_of_a_thousand_is_judged(tally: Tally, verdict: Verdict) -> None:
    assert judge(WarmupDay(1000, tally, (tally,)), stage=3) is verdict


def test_a_burst_in_one_hour_counts_though_the_day_was_good() -> None:
    hours = (Tally(delivered=80, blocked=20), Tally(delivered=9_900))
    assert judge(WarmupDay(10_000, hours[0] + hours[1], hours), stage=6) is Verdict.BLOCKED
    hours = (Tally(delivered=80, throttled=20), Tally(delivered=9_900))
    assert judge(WarmupDay(10_000, hours[0] + hours[1], hours), stage=6) is Verdict.THROTTLED


def test_a_few_replies_are_no_burst() -> None:
    total = Tally(delivered=1, blocked=9)
    assert not WarmupDay(200, total, (total,)).block_burst


def test_a_good_day_at_the_top_ends_the_warm_up() -> None:
    good = Tally(delivered=3_000)
    assert judge(WarmupDay(3_000, good), stage=5, peak=3_000) is Verdict.FINISHED


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_a_good_day_leads_up_and_only_a_block_leads_down(verdict: Verdict) -> None:
    steps = {Verdict.ADVANCED: 1, Verdict.BLOCKED: -1}
    assert next_stage(5, verdict) == 5 + steps.get(verdict, 0)
    assert next_stage(1, Verdict.BLOCKED) == 1
