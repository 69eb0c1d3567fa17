"""What a reseller earns on a customer in a month."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from billing.ledger.models import LotOrigin
from billing.ledger.services import grant_credits
from billing.ledger.transfers import hand_over, take_back
from billing.money import Money
from billing.prices.margins import Margin, margins
from billing.prices.services import set_price
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account


@dataclass
class Trade:
    """A reseller that bought 10,000 credits for 50.00 EUR and sells 1,000 for 8.00."""

    session: Session
    stock: Account
    customer: Account
    clock: StoppedClock

    def sell(self, credits: int) -> None:
        hand_over(self.session, self.stock, self.customer, credits, clock=self.clock)

    def take_back(self, credits: int) -> None:
        take_back(self.session, self.customer, self.stock, credits, clock=self.clock)


@pytest.fixture
def trade(app: Flask, reseller: ResellerRef) -> Iterator[Trade]:
    clock = StoppedClock(datetime(2026, 11, 10, 12, tzinfo=UTC))
    with tenant_session(reseller) as session:
        stock, customer = main_account(session), create_sub_account(session, NewAccount("Contoso"))
        stock.time_zone = "Europe/Vienna"
        cost = Money(5000, "EUR")
        grant_credits(session, stock, 10_000, clock=clock, origin=LotOrigin.BOUGHT, cost=cost)
        set_price(session, stock, Money(800, "EUR"), clock=clock)
        yield Trade(session, stock, customer, clock)


def test_a_margin_is_the_price_less_the_share_of_the_lots_cost(trade: Trade) -> None:
    trade.sell(2500)
    [line] = margins(trade.session)
    assert line == Margin(
        trade.customer.id, "Contoso", date(2026, 11, 1), 2500, Money(2000, "EUR"), Money(1250, "EUR")
    )
    assert line.margin == Money(750, "EUR")


def test_what_is_taken_back_comes_off_in_its_own_month(trade: Trade) -> None:
    trade.sell(2500)
    trade.clock.advance(timedelta(days=30))
    trade.take_back(1000)
    later, earlier = margins(trade.session)
    assert (later.month, later.credits, later.margin) == (date(2026, 12, 1), -1000, Money(-300, "EUR"))
    assert (earlier.month, earlier.credits) == (date(2026, 11, 1), 2500)


def test_months_begin_where_the_reseller_is(trade: Trade) -> None:
    trade.clock.advance(datetime(2026, 11, 30, 23, 30, tzinfo=UTC) - trade.clock.now())
    trade.sell(10)
    assert [line.month for line in margins(trade.session)] == [date(2026, 12, 1)]


def test_in_two_currencies_there_is_no_margin(trade: Trade) -> None:
    set_price(trade.session, trade.customer, Money(900, "USD"), clock=trade.clock)
    trade.sell(1000)
    [line] = margins(trade.session)
    assert (line.price, line.cost, line.margin) == (Money(900, "USD"), Money(500, "EUR"), None)


def test_what_was_granted_to_the_reseller_has_cost_nothing(trade: Trade) -> None:
    trade.sell(10_000)
    grant_credits(trade.session, trade.stock, 1000, clock=trade.clock)
    trade.clock.advance(timedelta(days=30))
    trade.sell(1000)
    assert margins(trade.session)[0].margin == Money(800, "EUR")


def test_one_customer_or_some_time_can_be_asked_for(trade: Trade) -> None:
    trade.sell(10)
    other = create_sub_account(trade.session, NewAccount("Fabrikam"))
    hand_over(trade.session, trade.stock, other, 20, clock=trade.clock)
    assert [line.account_name for line in margins(trade.session)] == ["Contoso", "Fabrikam"]
    assert [line.credits for line in margins(trade.session, account_id=other.id)] == [20]
    assert margins(trade.session, until=trade.clock.now()) == []
    assert len(margins(trade.session, since=trade.clock.now())) == 2
