"""Suppressing addresses and lifting that again."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.ids import AccountId
from relay_worker.suppressions.queries import suppressions_of
from relay_worker.suppressions.services import SuppressionReason, lift_suppression, suppress
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account

CLOCK = StoppedClock(datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
def session(reseller: ResellerRef) -> Iterator[Session]:
    with tenant_session(reseller) as session:
        yield session


@pytest.fixture
def account(session: Session) -> AccountId:
    return main_account(session).id


def addresses(session: Session, account: AccountId, containing: str = "") -> list[str]:
    return [found.address for found in suppressions_of(session, account, containing=containing)]


def test_an_address_is_kept_as_acceptance_looks_it_up(session: Session, account: AccountId) -> None:
    kept = suppress(session, account, " Jo.Doe@BÜCHER.example ", clock=CLOCK)
    assert kept.address == "jo.doe@xn--bcher-kva.example"
    assert kept.reason == SuppressionReason.MANUAL


def test_an_address_is_suppressed_once(session: Session, account: AccountId) -> None:
    suppress(session, account, "jo@one.example", clock=CLOCK)
    with pytest.raises(AlreadyExists):
        suppress(session, account, "JO@one.example", clock=CLOCK)


def test_each_account_has_its_own_list(session: Session, account: AccountId) -> None:
    other = create_sub_account(session, NewAccount("Shop")).id
    suppress(session, account, "jo@one.example", clock=CLOCK)
    assert addresses(session, other) == []


def test_a_lifted_suppression_is_gone(session: Session, account: AccountId) -> None:
    suppress(session, account, "jo@one.example", clock=CLOCK)
    lift_suppression(session, account, "Jo@One.example")
    assert addresses(session, account) == []


def test_what_is_not_suppressed_cannot_be_lifted(session: Session, account: AccountId) -> None:
    with pytest.raises(NotFound):
        lift_suppression(session, account, "jo@one.example")


def test_what_is_no_address_is_refused(session: Session, account: AccountId) -> None:
    with pytest.raises(InvalidInput):
        suppress(session, account, "jo", clock=CLOCK)


def test_the_search_takes_wildcards_as_they_stand(session: Session, account: AccountId) -> None:
    suppress(session, account, "jo_x@one.example", clock=CLOCK)
    suppress(session, account, "joax@one.example", clock=CLOCK)
    assert addresses(session, account, "JO_") == ["jo_x@one.example"]
