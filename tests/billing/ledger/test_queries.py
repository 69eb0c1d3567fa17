"""Reads of the books: the ledger by what is wanted of it, and what may be taken back."""

from datetime import timedelta

from billing.ledger.models import EntryKind, LotOrigin
from billing.ledger.queries import Entry, Wanted, entries_of, lots_of, takeable_back
from billing.ledger.services import grant_credits
from billing.ledger.transfers import hand_over
from billing.money import Money
from tests.billing.ledger.conftest import Shop


def found(shop: Shop, wanted: Wanted) -> list[Entry]:
    return entries_of(shop.session, shop.stock.id, wanted=wanted)


def test_the_ledger_is_read_by_kind_lot_time_and_page(shop: Shop) -> None:
    first = shop.buy(10)
    begin = shop.clock.now()
    shop.clock.advance(timedelta(days=1))
    shop.buy(20)
    hand_over(shop.session, shop.stock, shop.customer, 3, clock=shop.clock, note="To begin with")
    newest, second, oldest = found(shop, Wanted())
    assert (newest.kind, newest.credits, newest.note) == (EntryKind.HANDED_OVER, -3, "To begin with")
    assert found(shop, Wanted(kinds=frozenset({EntryKind.BOUGHT}))) == [second, oldest]
    assert found(shop, Wanted(lot_id=first)) == [newest, oldest]
    assert found(shop, Wanted(until=shop.clock.now())) == [oldest]
    assert found(shop, Wanted(since=begin, before=newest.id)) == [second, oldest]


def test_a_lot_says_where_it_came_from_and_what_it_cost(shop: Shop) -> None:
    shop.buy(10, cost=33, currency="USD")
    hand_over(shop.session, shop.stock, shop.customer, 5, clock=shop.clock)
    [stock], [handed] = (lots_of(shop.session, account.id) for account in (shop.stock, shop.customer))
    assert (stock.origin, stock.credits, stock.remaining, stock.cost) == (
        LotOrigin.BOUGHT,
        10,
        5,
        Money(33, "USD"),
    )
    assert (handed.origin, handed.cost) == (LotOrigin.HANDED_OVER, Money(17, "USD"))
    assert handed.expires_at == stock.expires_at


def test_only_what_was_handed_over_and_has_not_lapsed_can_be_taken_back(shop: Shop) -> None:
    shop.buy(10)
    hand_over(shop.session, shop.stock, shop.customer, 4, clock=shop.clock)
    grant_credits(shop.session, shop.customer, 9, clock=shop.clock)
    assert takeable_back(shop.session, shop.customer.id, shop.clock.now()) == 4
    assert takeable_back(shop.session, shop.customer.id, shop.clock.now() + timedelta(days=365)) == 0
