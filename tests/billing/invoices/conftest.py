"""A reseller that can bill, and a customer of it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from billing.invoices.profiles.services import set_profile, set_terms
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account
from tests.billing.invoices.papers import GRAZ, TERMS, VIENNA


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(datetime(2026, 11, 2, 9, tzinfo=UTC))


@pytest.fixture
def rows(reseller: ResellerRef) -> Iterator[Session]:
    """A session of a reseller that can bill."""
    with tenant_session(reseller) as session:
        set_profile(session, main_account(session), VIENNA)
        set_terms(session, TERMS)
        session.commit()
        yield session


@pytest.fixture
def customer(rows: Session) -> Account:
    """A sub-account with a tax profile in the same country."""
    account = create_sub_account(rows, NewAccount("Muster"))
    set_profile(rows, account, GRAZ)
    rows.commit()
    return account
