"""Credits that lapse, with and without the job that writes it down; and purchases that are undone."""

from datetime import timedelta

import pytest

from billing.ledger.jobs import keep_ledger
from billing.ledger.queries import credits_left
from billing.ledger.services import Lapsed, Revoked, record_lapsed, revoke_bought
from billing.ledger.transfers import hand_over
from platform_core.errors import InvalidInput
from tests.billing.ledger.conftest import Shop

YEAR = timedelta(days=365)


def test_what_lapsed_is_written_down_once_as_of_its_instant(shop: Shop) -> None:
    lot = shop.buy(10)
    shop.clock.advance(YEAR)
    assert record_lapsed(shop.session, clock=shop.clock) == Lapsed(1, 10)
    assert record_lapsed(shop.session, clock=shop.clock) == Lapsed(0, 0)
    assert shop.lines(shop.stock) == [("bought", 10), ("expired", -10)]
    assert lot not in shop.left(shop.stock)
    assert shop.check().sound


def test_a_lot_lapses_at_its_instant_and_not_before(shop: Shop) -> None:
    shop.buy(10)
    shop.clock.advance(YEAR - timedelta(microseconds=1))
    assert record_lapsed(shop.session, clock=shop.clock) == Lapsed(0, 0)
    assert credits_left(shop.session, shop.stock.id, shop.clock.now()) == 10


def test_the_parts_of_a_lot_lapse_together(shop: Shop) -> None:
    shop.buy(10)
    hand_over(shop.session, shop.stock, shop.customer, 4, clock=shop.clock)
    shop.clock.advance(YEAR)
    assert record_lapsed(shop.session, clock=shop.clock) == Lapsed(2, 10)
    assert shop.left(shop.customer) == shop.left(shop.stock) == {}


def test_the_books_are_sound_before_the_job_and_after_it(shop: Shop) -> None:
    shop.buy(10)
    shop.clock.advance(YEAR)
    assert shop.check().sound
    keep_ledger(shop.reseller, shop.clock)
    report = shop.check()
    assert report.sound
    assert report.balance == 0


def test_a_purchase_is_undone_as_far_as_it_is_unspent(shop: Shop) -> None:
    lot = shop.buy(10)
    other = shop.buy(5)
    hand_over(shop.session, shop.stock, shop.customer, 4, clock=shop.clock)
    undone = revoke_bought(shop.session, [lot], 10, clock=shop.clock, note="Refunded")
    assert undone == Revoked(taken=6, missing=4)
    assert shop.left(shop.stock) == {other: 5}
    assert list(shop.left(shop.customer).values()) == [4]
    assert shop.check().sound


def test_a_part_of_a_purchase_is_undone_in_that_part(shop: Shop) -> None:
    lots = [shop.buy(10), shop.buy(10)]
    assert revoke_bought(shop.session, lots, 12, clock=shop.clock, note="") == Revoked(12, 0)
    assert shop.left(shop.stock) == {lots[1]: 8}


def test_lapsed_credits_can_not_be_taken_for_a_purchase(shop: Shop) -> None:
    lot = shop.buy(10)
    shop.clock.advance(YEAR)
    assert revoke_bought(shop.session, [lot], 10, clock=shop.clock, note="") == Revoked(0, 10)


def test_nothing_can_not_be_undone(shop: Shop) -> None:
    with pytest.raises(InvalidInput):
        revoke_bought(shop.session, [shop.buy(1)], 0, clock=shop.clock, note="")
