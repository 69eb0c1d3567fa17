"""Everything that can happen to credits, in any order: the books are what a plain model says, after every step."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from platform_core.settings import Settings
from tests.billing.ledger.market import JUMPS, Books, Market, open_market
from tests.fixtures_database import fresh_reseller
from tests.relay_worker.queue.desk import Desk, Sender, owner_connection

# A failing run is told as it was: making it shorter would take minutes, since each try makes a reseller.
HERE = hypothesis_settings(max_examples=8, stateful_step_count=50, phases=(Phase.generate,))
SOAK = hypothesis_settings(HERE, max_examples=200, stateful_step_count=80, derandomize=False)

credits = st.integers(1, 30)
recipients = st.integers(1, 12)
either = st.booleans()


class Trading(RuleBasedStateMachine):
    """Buying, handing over, taking back, sending, failing, giving back, lapsing, disputing; and time goes by."""

    desk: Desk
    books: Books
    market: Market

    @initialize(stock=credits)
    def begin(self, stock: int) -> None:
        """Two lots of different ages, both cut up, and mail on its way: there the mistakes would be."""
        market = self.market = open_market(fresh_reseller().reseller, self.desk, self.books)
        market.buy(market.stock, stock, cost=stock)
        market.clock.advance(timedelta(days=100))
        market.buy(market.stock, 40, cost=7)
        market.hand_over(stock + 10)
        for sender in (market.stock, market.customer):
            market.send(sender, 5)

    @rule(customers=either, number=credits, cost=st.integers(0, 500))
    def buy(self, customers: bool, number: int, cost: int) -> None:
        self.market.buy(self._one(customers), number, cost)

    @rule(number=credits)
    def hand_over(self, number: int) -> None:
        self.market.hand_over(number)

    @rule(number=credits)
    def take_back(self, number: int) -> None:
        self.market.take_back(number)

    @rule(customers=either, number=recipients)
    def send(self, customers: bool, number: int) -> None:
        self.market.send(self._one(customers), number)

    @precondition(lambda self: self.market.waiting)
    @rule(number=recipients, tried=either)
    def settle(self, number: int, tried: bool) -> None:
        self.market.settle(number, tried=tried)

    @rule()
    def give_back(self) -> None:
        self.market.give_back()

    @rule()
    def write_down_lapsed(self) -> None:
        self.market.write_down_lapsed()

    @rule(data=st.data(), number=credits)
    def undo_purchase(self, data: st.DataObject, number: int) -> None:
        self.market.undo_purchase(data.draw(st.sampled_from(sorted(self.market.lots))), number)

    @rule(jump=st.sampled_from(JUMPS))
    def time_goes_by(self, jump: timedelta) -> None:
        self.market.clock.advance(jump)

    @rule()
    def time_goes_by_to_the_next_lapse(self) -> None:
        now = self.market.clock.now()
        coming = [lot.expires_at for lot in self.market.lots.values() if lot.expires_at > now]
        if coming:
            self.market.clock.advance(min(coming) - now)

    @invariant()
    def books_are_what_the_model_says(self) -> None:
        self.market.compare()

    def teardown(self) -> None:
        if hasattr(self, "market"):
            self.market.prove()

    def _one(self, customers: bool) -> Sender:
        return self.market.customer if customers else self.market.stock


@pytest.fixture
def trading(app: Flask, database: Settings) -> Iterator[type[Trading]]:
    desk = Desk(pool_size=1)
    with owner_connection() as books:
        books.autocommit = True
        yield type("Trading", (Trading,), {"desk": desk, "books": books})
    desk.close()


def test_no_credit_is_lost_and_none_comes_from_nowhere(trading: type[Trading]) -> None:
    run_state_machine_as_test(trading, settings=HERE)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_credit_is_lost_in_many_more_orders(trading: type[Trading]) -> None:
    run_state_machine_as_test(trading, settings=SOAK)
