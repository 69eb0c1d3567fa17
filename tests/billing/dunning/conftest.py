"""A reseller that bills and has a domain to write from, a customer of it, and a pigeonhole for letters."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from sqlalchemy.orm import Session

from billing.invoices.profiles.services import set_profile, set_terms
from billing.letters.letterbox import Letterbox
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account, Domain, DomainState, Role, User
from tests.billing.invoices.papers import GRAZ, TERMS, VIENNA


@dataclass
class Pigeonhole:
    """A `Post` that keeps what it is given."""

    posted: list[tuple[EmailMessage, str]] = field(default_factory=list)

    def post(self, message: EmailMessage, letterbox: Letterbox, to: str) -> None:
        self.posted.append((message, to))


def words_of(letter: EmailMessage) -> str:
    """Its plain text."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def post() -> Pigeonhole:
    return Pigeonhole()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(datetime(2026, 11, 2, 9, tzinfo=UTC))


@pytest.fixture
def rows(reseller: ResellerRef) -> Iterator[Session]:
    with tenant_session(reseller) as session:
        main = main_account(session)
        set_profile(session, main, VIENNA)
        set_terms(session, TERMS)
        session.add(Domain(account_id=main.id, name="acme.example", state=DomainState.VERIFIED))
        session.commit()
        yield session


@pytest.fixture
def customer(rows: Session) -> Account:
    """A sub-account with a tax profile and an owner."""
    account = create_sub_account(rows, NewAccount("Muster"))
    set_profile(rows, account, GRAZ)
    rows.add(User(account_id=account.id, email="owner@muster.example", role=Role.OWNER, password_hash="x"))
    rows.commit()
    return account
