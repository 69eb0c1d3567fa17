"""Whether one more connection is worth having."""

from dataclasses import dataclass

from relay_worker.delivery.lanes.growth import Growth


@dataclass
class Seconds:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_finished_transaction_earns_a_connection() -> None:
    growth = Growth(Seconds())
    assert not growth.earned(1)
    growth.finished()
    assert growth.earned(1) and not growth.earned(2)
    growth.finished()
    assert growth.earned(2)


def test_what_was_done_long_ago_earns_nothing() -> None:
    clock = Seconds()
    growth = Growth(clock)
    for _ in range(3):
        growth.finished()
    clock.now += 30
    assert not growth.earned(1)


def test_a_second_connection_may_be_tried_at_once_and_more_every_five_seconds() -> None:
    clock = Seconds()
    growth = Growth(clock)
    assert growth.due_for_trial(1)
    growth.grown()
    assert not growth.due_for_trial(2)
    clock.now += 5
    assert growth.due_for_trial(2)
