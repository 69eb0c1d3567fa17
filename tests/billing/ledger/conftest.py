"""A reseller with its stock and one customer, and a clock that stands still."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from billing.ledger.checks import LedgerReport, check_ledger
from billing.ledger.models import LotOrigin
from billing.ledger.services import grant_credits
from billing.money import Money
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


@dataclass
class Shop:
    """A reseller's session, its own account, a customer's, and the time."""

    reseller: ResellerRef
    session: Session
    stock: Account
    customer: Account
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(NOON))

    def buy(self, credits: int, cost: int = 0, currency: str = "EUR") -> int:
        """A lot in the stock; its id."""
        money = Money(cost, currency) if cost else None
        bought = grant_credits(
            self.session, self.stock, credits, clock=self.clock, origin=LotOrigin.BOUGHT, cost=money
        )
        return bought.lot_id

    def left(self, account: Account) -> dict[int, int]:
        """What is left in each lot that is not empty."""
        rows = self.session.execute(
            text("SELECT id, remaining FROM credit_lot WHERE account_id = :id AND remaining > 0 ORDER BY id"),
            {"id": account.id},
        )
        return {row.id: row.remaining for row in rows}

    def lines(self, account: Account) -> list[tuple[str, int]]:
        """The ledger, oldest first."""
        rows = self.session.execute(
            text("SELECT kind, credits FROM credit_entry WHERE account_id = :id ORDER BY id"),
            {"id": account.id},
        )
        return [(row.kind, row.credits) for row in rows]

    def check(self) -> LedgerReport:
        """The report on the books, after a commit."""
        self.session.commit()
        with tenant_session(self.reseller) as session:
            return check_ledger(session)


@pytest.fixture
def shop(app: Flask, reseller: ResellerRef) -> Iterator[Shop]:
    with tenant_session(reseller) as session:
        customer = create_sub_account(session, NewAccount("Contoso Shop"))
        session.commit()
        yield Shop(reseller, session, main_account(session), customer)
