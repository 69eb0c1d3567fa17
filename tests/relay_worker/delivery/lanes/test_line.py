"""The line before a lane."""

from collections.abc import Iterator

from platform_core.ids import ResellerId
from relay_worker.delivery.lanes.line import Line
from relay_worker.delivery.transaction import Transaction
from tests.relay_worker.delivery.factories import recipient, transaction_to


def waiting(reseller: int, count: int) -> Iterator[Transaction]:
    for n in range(count):
        to = recipient(f"{n}@x.test", reseller_id=ResellerId(reseller))
        yield transaction_to(recipients=(to,))


def test_a_resellers_thousand_wait_beside_anothers_two() -> None:
    line = Line()
    for transaction in (*waiting(1, 1000), *waiting(2, 2)):
        line.put(transaction)
    first = [line.take().recipients[0].reseller_id for _ in range(6)]
    assert first == [1, 2, 1, 2, 1, 1]


def test_within_a_reseller_it_is_first_come_first_served() -> None:
    line = Line()
    sent = list(waiting(1, 5))
    for transaction in sent:
        line.put(transaction)
    assert list(line.take_all()) == sent
    assert len(line) == 0


def test_who_has_had_his_turn_goes_first() -> None:
    line = Line()
    one, two = waiting(1, 2)
    line.put(one)
    line.put_first(two)
    assert [line.take(), line.take()] == [two, one]
