"""Suppressing addresses and lifting that again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.ids import AccountId
from platform_core.mail.states import SuppressionReason
from relay_worker.suppressions.lists import Line
from relay_worker.suppressions.queries import (
    ListPlace,
    Wanted,
    every_suppression,
    suppression_of,
    suppressions_of,
)
from relay_worker.suppressions.services import lift_suppression, suppress, suppress_all
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
    page = suppressions_of(session, account, Wanted(containing))
    return [found.address for found in page.lines]


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


def test_the_list_is_filtered_by_reason(session: Session, account: AccountId) -> None:
    for reason in SuppressionReason:
        suppress(session, account, f"{reason}@one.example", clock=CLOCK, reason=reason)
    page = suppressions_of(session, account, Wanted(reason=SuppressionReason.COMPLAINT))
    assert [one.address for one in page.lines] == ["complaint@one.example"]


def test_pages_go_from_the_newest_back_and_miss_none(session: Session, account: AccountId) -> None:
    clock = StoppedClock(CLOCK.now())
    for name in "abcdefg":  # two at a time
        suppress(session, account, f"{name}@one.example", clock=clock)
        clock.advance(timedelta(seconds=1) if name in "bdf" else timedelta())
    seen, before = [], None
    while True:
        page = suppressions_of(session, account, before=before, limit=3)
        seen += [one.address[0] for one in page.lines]
        if page.older is None:
            break
        before = ListPlace.parse(str(page.older))
        assert before == page.older
    assert "".join(seen) == "gefcdab"


@pytest.mark.parametrize("written", ["", "x", "2026-01-01 a@b.example", "2026-01-01T00:00:00+00:00 "])
def test_what_is_no_place_is_none(written: str) -> None:
    assert ListPlace.parse(written) is None


def test_a_whole_list_is_suppressed_and_what_was_keeps_its_reason(
    session: Session, account: AccountId
) -> None:
    suppress(session, account, "old@one.example", clock=CLOCK, reason=SuppressionReason.COMPLAINT)
    lines = [
        Line("old@one.example", SuppressionReason.MANUAL),
        Line("new@one.example", SuppressionReason.MANUAL),
    ]
    lines.append(Line("new@one.example", SuppressionReason.UNSUBSCRIBE))  # the first line counts
    assert suppress_all(session, account, lines, clock=CLOCK, origin="import") == 1
    assert suppression_of(session, account, "old@one.example").reason == SuppressionReason.COMPLAINT
    new = suppression_of(session, account, "New@one.example")
    assert (new.reason, new.origin, new.created_at) == (SuppressionReason.MANUAL, "import", CLOCK.now())


def test_ten_thousand_come_in_and_go_out_again(session: Session, account: AccountId) -> None:
    lines = [Line(f"n{n:05}@one.example", SuppressionReason.MANUAL) for n in range(10_000)]
    assert suppress_all(session, account, lines, clock=CLOCK, origin="import") == 10_000
    assert [one.address for one in every_suppression(session, account)] == [line.address for line in lines]
    some = every_suppression(session, account, Wanted("n0999"))
    assert len(list(some)) == 10
