"""A reseller with one customer, plans to choose from, money in the wallet, and a clock that stands still."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from billing.money import Money
from billing.plans.catalogue import Limits, NewPlan, Plan, create_plan
from billing.plans.queries import PlanState, current_plan
from billing.wallet.queries import wallet_of
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Club:
    """A customer that may have a plan."""

    reseller: ResellerRef
    session: Session
    customer: Account
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(START))

    def plan(self, price: int = 1000, included: int = 100, trial_days: int = 0, **limits: int) -> Plan:
        new = NewPlan(f"Plan {uuid4().hex[:6]}", Money(price, "EUR"), included, trial_days, Limits(**limits))
        return create_plan(self.session, new)

    def pay_in(self, amount: int) -> None:
        credit_wallet(
            self.session,
            self.customer,
            Money(amount, "EUR"),
            reason=WalletReason.PAID_IN,
            reference=uuid4().hex,
            clock=self.clock,
        )

    @property
    def balance(self) -> int:
        money = wallet_of(self.session, self.customer).balance
        return money.amount if money else 0

    @property
    def state(self) -> PlanState:
        found = current_plan(self.session, self.customer, clock=self.clock)
        assert found
        return found

    def wait_until(self, *day: int, hours: int = 0) -> None:
        self.clock.advance(datetime(*day, tzinfo=UTC) + timedelta(hours=hours) - self.clock.now())  # type: ignore[misc,arg-type]


@pytest.fixture
def club(app: Flask, reseller: ResellerRef) -> Iterator[Club]:
    with tenant_session(reseller) as session:
        customer = create_sub_account(session, NewAccount("Contoso Shop"))
        session.commit()
        yield Club(reseller, session, customer)
