"""Handing credits over and taking them back: which lots, what they cost, what the customer is charged."""

from datetime import timedelta

import pytest

from billing.ledger.services import grant_credits
from billing.ledger.transfers import hand_over, take_back
from billing.money import Money
from billing.prices.services import set_price
from platform_core.errors import InsufficientCredits, InvalidInput
from tests.billing.ledger.conftest import Shop


def test_the_oldest_expiry_goes_first_and_each_part_keeps_its_own(shop: Shop) -> None:
    first = shop.buy(100)
    shop.clock.advance(timedelta(days=30))
    second = shop.buy(100)
    moved = hand_over(shop.session, shop.stock, shop.customer, 150, clock=shop.clock)
    assert [(part.stock_lot, part.credits) for part in moved.parts] == [(first, 100), (second, 50)]
    assert moved.parts[1].expires_at - moved.parts[0].expires_at == timedelta(days=30)
    assert shop.left(shop.stock) == {second: 50}
    assert list(shop.left(shop.customer).values()) == [100, 50]
    assert shop.check().sound


def test_both_ledgers_say_what_has_moved(shop: Shop) -> None:
    shop.buy(100)
    hand_over(shop.session, shop.stock, shop.customer, 60, clock=shop.clock)
    take_back(shop.session, shop.customer, shop.stock, 20, clock=shop.clock)
    assert shop.lines(shop.stock) == [("bought", 100), ("handed_over", -60), ("returned", 20)]
    assert shop.lines(shop.customer) == [("received", 60), ("taken_back", -20)]


def test_what_is_taken_back_lies_in_its_old_lot_again(shop: Shop) -> None:
    first = shop.buy(100)
    shop.clock.advance(timedelta(days=30))
    second = shop.buy(100)
    hand_over(shop.session, shop.stock, shop.customer, 150, clock=shop.clock)
    back = take_back(shop.session, shop.customer, shop.stock, 70, clock=shop.clock)
    assert [(part.stock_lot, part.credits) for part in back.parts] == [(second, -50), (first, -20)]
    assert shop.left(shop.stock) == {first: 20, second: 100}
    assert shop.check().sound


def test_more_than_there_is_moves_nothing_and_says_the_balance(shop: Shop) -> None:
    shop.buy(10)
    with pytest.raises(InsufficientCredits) as refused:
        hand_over(shop.session, shop.stock, shop.customer, 11, clock=shop.clock)
    assert (refused.value.balance, refused.value.needed) == (10, 11)
    assert shop.lines(shop.customer) == []
    assert len(shop.lines(shop.stock)) == 1


def test_lapsed_credits_are_not_handed_over_nor_taken_back(shop: Shop) -> None:
    shop.buy(10)
    hand_over(shop.session, shop.stock, shop.customer, 4, clock=shop.clock)
    shop.clock.advance(timedelta(days=365))
    for source, target, verb in (
        (shop.stock, shop.customer, hand_over),
        (shop.customer, shop.stock, take_back),
    ):
        with pytest.raises(InsufficientCredits) as refused:
            verb(shop.session, source, target, 1, clock=shop.clock)
        assert refused.value.balance == 0


def test_what_the_customer_was_granted_stays_with_it(shop: Shop) -> None:
    grant_credits(shop.session, shop.customer, 50, clock=shop.clock)
    with pytest.raises(InsufficientCredits):
        take_back(shop.session, shop.customer, shop.stock, 1, clock=shop.clock)


def test_credits_move_between_the_two_levels_only(shop: Shop) -> None:
    shop.buy(10)
    for source, target in ((shop.stock, shop.stock), (shop.customer, shop.stock)):
        with pytest.raises(InvalidInput):
            hand_over(shop.session, source, target, 1, clock=shop.clock)
    with pytest.raises(InvalidInput):
        take_back(shop.session, shop.stock, shop.customer, 1, clock=shop.clock)


@pytest.mark.parametrize("credits", [0, -5])
def test_nothing_and_less_than_nothing_do_not_move(shop: Shop, credits: int) -> None:
    shop.buy(10)
    with pytest.raises(InvalidInput):
        hand_over(shop.session, shop.stock, shop.customer, credits, clock=shop.clock)


def test_the_parts_of_a_lot_have_cost_what_the_lot_has_to_the_cent(shop: Shop) -> None:
    shop.buy(7, cost=100)
    costs = [
        hand_over(shop.session, shop.stock, shop.customer, 1, clock=shop.clock).parts[0].cost
        for _ in range(7)
    ]
    assert sum(cost.amount for cost in costs) == 100
    assert {cost.amount for cost in costs} == {14, 15}


def test_cost_and_price_come_back_with_the_credits(shop: Shop) -> None:
    shop.buy(1000, cost=999)
    set_price(shop.session, shop.customer, Money(333, "EUR"), clock=shop.clock)
    given = hand_over(shop.session, shop.stock, shop.customer, 700, clock=shop.clock)
    back = [
        take_back(shop.session, shop.customer, shop.stock, part, clock=shop.clock) for part in (1, 2, 697)
    ]
    assert sum(one.price.amount for one in back) == -given.price.amount == -233
    assert sum(part.cost.amount for one in back for part in one.parts) == -given.parts[0].cost.amount
    assert (
        hand_over(shop.session, shop.stock, shop.customer, 1000, clock=shop.clock).parts[0].cost.amount == 999
    )


def test_the_price_of_several_parts_is_rounded_once(shop: Shop) -> None:
    for _ in range(3):
        shop.buy(1)
    set_price(shop.session, shop.customer, Money(1500, "EUR"), clock=shop.clock)
    moved = hand_over(shop.session, shop.stock, shop.customer, 3, clock=shop.clock)
    assert moved.price == Money(5, "EUR")  # 4.5, and not three times 1.5
