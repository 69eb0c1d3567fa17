"""Which address mail leaves from: pools, turns, fallbacks, warm-up, and what stops an address."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from platform_core.clock import StoppedClock
from relay_worker.addresses.book import Holdings, Pool, PooledAddress, Till
from relay_worker.addresses.chooser import Landing, NoSource, Source
from relay_worker.addresses.choosing import LATER, LEARN_EVERY, SOON, PoolChooser
from relay_worker.addresses.local import can_bind
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.states import Standing
from relay_worker.addresses.tally import Tally
from tests.relay_worker.addresses.fakes import NOON, OTHERS, OURS, MemoryBook, address, holdings, mail

SITE = "mx.example.org"


class Desk:
    """A chooser over a book in memory, with a clock that is moved by hand."""

    def __init__(self, known: Holdings, per_day: int = 200) -> None:
        self.elsewhere: set[str] = set()
        self.book = MemoryBook(known, per_day)
        self.clock = StoppedClock(NOON)
        self.chooser = PoolChooser(
            self.book, self.clock, is_here=lambda address: address not in self.elsewhere
        )
        self.refresh()

    def refresh(self) -> None:
        asyncio.run(self.chooser.refresh())

    def choose(self, provider: str = "default", count: int = 1, **changes: int) -> Source | NoSource | None:
        return self.chooser.choose(mail(**changes), SITE, provider, count=count)  # type: ignore[arg-type]

    def chosen(self, times: int, provider: str = "default") -> Counter[int]:
        """How often each address was chosen; 0 stands for none."""
        found = [self.choose(provider) for _ in range(times)]
        return Counter(one.ip_id if isinstance(one, Source) else 0 for one in found)


def ip_of(chosen: Source | NoSource | None) -> int:
    assert isinstance(chosen, Source)
    return chosen.ip_id


def test_without_any_address_the_system_chooses() -> None:
    assert Desk(Holdings()).choose() is None
    assert Desk(holdings(pools=[Pool(1, is_default=True)])).choose() is None


def test_before_anything_is_known_mail_waits() -> None:
    chooser = PoolChooser(MemoryBook(holdings(address(1))), StoppedClock(NOON))
    assert chooser.choose(mail(), SITE, "default") == NoSource(NOON + SOON)


def test_addresses_of_a_pool_take_even_turns() -> None:
    desk = Desk(holdings(address(1), address(2), address(3)))
    assert desk.chosen(300) == {1: 100, 2: 100, 3: 100}


def test_a_turn_lasts_so_that_connections_are_used_again() -> None:
    desk = Desk(holdings(address(1), address(2)))
    turns = [ip_of(desk.choose()) for _ in range(20)]
    assert turns == [1] * 10 + [2] * 10


def test_the_accounts_pool_goes_before_its_resellers_and_that_before_the_default() -> None:
    pools = (Pool(1, is_default=True), Pool(2), Pool(3))
    desk = Desk(holdings(address(1, 1), address(2, 2), address(3, 3), pools=pools, r1=2, r1_a7=3))
    assert ip_of(desk.choose(account=7)) == 3
    assert ip_of(desk.choose(account=8)) == 2
    assert ip_of(desk.choose(reseller=OTHERS)) == 1


def test_a_pool_without_a_usable_address_falls_back() -> None:
    pools = (Pool(1, fallback_id=2, is_default=True), Pool(2, fallback_id=3), Pool(3))
    paused = [address(1, 1, active=False), address(2, 2, standing=Standing.STOPPED)]
    assert ip_of(Desk(holdings(*paused, address(3, 3), pools=pools)).choose()) == 3


def test_a_pool_without_any_address_is_passed_over() -> None:
    pools = (Pool(1, is_default=True), Pool(2), Pool(3))
    desk = Desk(holdings(address(1, 1), address(2, 2), pools=pools, r1=2, r1_a7=3, r2=3))
    assert ip_of(desk.choose(account=7)) == 2
    assert ip_of(desk.choose(reseller=OTHERS)) == 1
    assert (
        ip_of(
            Desk(holdings(address(2, 2), pools=[Pool(1, fallback_id=2, is_default=True), Pool(2)])).choose()
        )
        == 2
    )


def test_an_address_that_another_machine_has_is_not_used_here() -> None:
    desk = Desk(holdings(address(1), address(2)))
    desk.elsewhere = {"192.0.2.1"}
    desk.clock.advance(LEARN_EVERY)
    desk.refresh()
    assert desk.chosen(40) == {2: 40}
    desk.elsewhere = set()
    desk.clock.advance(LEARN_EVERY)
    desk.refresh()
    assert set(desk.chosen(40)) == {1, 2}


DEDICATED = (Pool(1, is_default=True), Pool(2, fallback_id=1))


def far(*addresses: PooledAddress, **assigned: int) -> Desk:
    """A machine that has all of them but 192.0.2.1 and 192.0.2.2."""
    desk = Desk(holdings(*addresses, pools=DEDICATED, **assigned))
    desk.elsewhere = {"192.0.2.1", "192.0.2.2"}
    desk.clock.advance(LEARN_EVERY)
    desk.refresh()
    return desk


def test_what_only_other_machines_may_send_is_handed_over_by_turns() -> None:
    desk = far(address(1), address(2))
    handed = Counter(desk.chooser.elsewhere(mail()) for _ in range(200))
    assert set(handed) == {1, 2} and min(handed.values()) > 50
    assert desk.chooser.here() == ()


def test_mail_of_a_pool_is_handed_over_rather_than_sent_from_its_fallback_here() -> None:
    desk = far(address(1, 2), address(3, 1), r1=2)
    assert desk.chooser.elsewhere(mail()) == 1
    assert desk.chooser.elsewhere(mail(OTHERS)) is None
    assert desk.chooser.here() == (3,)


def test_nothing_is_handed_over_where_this_machine_has_an_address_of_the_pool() -> None:
    assert far(address(1), address(3)).chooser.elsewhere(mail()) is None


@pytest.mark.parametrize("changes", [{"active": False}, {"standing": Standing.STOPPED}])
def test_nothing_is_handed_over_for_an_address_that_may_not_be_used(changes: dict[str, object]) -> None:
    desk = far(address(1, 2, **changes), address(3, 1), r1=2)  # type: ignore[arg-type]
    assert desk.chooser.elsewhere(mail()) is None


def test_where_no_machine_came_for_it_the_fallback_sends() -> None:
    desk = far(replace(address(1, 2), absent=True), address(3, 1), r1=2)
    assert desk.chooser.elsewhere(mail()) is None
    assert ip_of(desk.choose()) == 3


def test_a_machine_that_has_every_address_hands_nothing_over() -> None:
    desk = Desk(holdings(address(1), address(2)))
    assert desk.chooser.elsewhere(mail()) is None
    assert desk.chooser.here() == (1, 2)


def test_what_this_machine_has_is_found_by_trying() -> None:
    assert [can_bind(address) for address in ("127.0.0.2", "192.0.2.1", "2001:db8::1")] == [
        True,
        False,
        False,
    ]


def test_mail_waits_when_every_address_is_paused() -> None:
    chosen = Desk(holdings(address(1, active=False))).choose()
    assert chosen == NoSource(NOON + LATER)


def test_a_flawed_address_is_used_after_the_fallbacks_sound_ones() -> None:
    pools = (Pool(1, fallback_id=2, is_default=True), Pool(2))
    flawed = address(1, 1, standing=Standing.FLAWED)
    assert ip_of(Desk(holdings(flawed, address(2, 2), pools=pools)).choose()) == 2
    assert ip_of(Desk(holdings(flawed, address(2, 2, active=False), pools=pools)).choose()) == 1


def test_nobody_falls_back_on_a_pool_that_is_anothers() -> None:
    pools = (Pool(1, fallback_id=2, is_default=True), Pool(2, reseller_id=OTHERS))
    desk = Desk(holdings(address(1, 1, active=False), address(2, 2), pools=pools))
    assert isinstance(desk.choose(reseller=OURS), NoSource)


def test_fallbacks_in_a_circle_end() -> None:
    pools = (Pool(1, fallback_id=2, is_default=True), Pool(2, fallback_id=1))
    assert isinstance(Desk(holdings(address(1, 1, active=False), pools=pools)).choose(), NoSource)


def test_an_address_of_the_sites_own_family_is_chosen() -> None:
    desk = Desk(holdings(address(1), address(2, version=6)))
    for versions, ips in (({4}, {1}), ({6}, {2}), ({4, 6}, {1, 2})):
        found = [desk.chooser.choose(mail(), SITE, "default", versions=versions) for _ in range(40)]
        assert {ip_of(one) for one in found} == ips
    only_six = Desk(holdings(address(2, version=6)))
    assert ip_of(only_six.choose()) == 2


# --- warm-up ---

WARMING = address(1, 1, Provider.GOOGLE)
POOLS = (Pool(1, fallback_id=2, is_default=True), Pool(2))


def test_a_warming_address_gets_its_days_allowance_and_the_rest_goes_to_the_warm_pool() -> None:
    desk = Desk(holdings(WARMING, address(2, 2), pools=POOLS))
    counts: Counter[int] = Counter()
    for _ in range(20):
        counts += desk.chosen(50, "google")
        desk.refresh()
    assert counts == {1: 200, 2: 800}


def test_one_providers_warm_up_is_nothing_to_another() -> None:
    desk = Desk(holdings(WARMING, address(2, 2), pools=POOLS))
    assert desk.chosen(500, "microsoft") == {1: 500}


def test_without_a_warm_pool_mail_waits_for_tomorrow() -> None:
    desk = Desk(holdings(WARMING))
    assert desk.choose("google") == NoSource(NOON + SOON)
    desk.refresh()
    for _ in range(3):
        desk.chosen(200, "google")
        desk.refresh()
    assert desk.choose("google") == NoSource(datetime(2026, 11, 11, tzinfo=UTC))


def test_a_new_day_brings_a_new_allowance() -> None:
    desk = Desk(holdings(WARMING, address(2, 2), pools=POOLS), per_day=10)
    desk.choose("google")
    desk.refresh()
    assert desk.chosen(20, "google") == {1: 10, 2: 10}
    desk.clock.advance(timedelta(hours=12))
    assert desk.chosen(1, "google") == {2: 1}
    desk.refresh()
    assert desk.chosen(20, "google") == {1: 10, 2: 10}


def test_warming_addresses_of_one_pool_go_before_its_warm_ones() -> None:
    desk = Desk(holdings(address(1), WARMING_TOO := address(2, 1, Provider.GOOGLE)))
    assert WARMING_TOO.warming
    desk.choose("google")
    desk.refresh()
    assert desk.chosen(15, "google") == {2: 10, 1: 5}


def test_a_transaction_takes_as_much_as_it_has_recipients() -> None:
    desk = Desk(holdings(WARMING, address(2, 2), pools=POOLS))
    desk.choose("google", count=60)
    desk.refresh()
    assert [ip_of(desk.choose("google", count=50)) for _ in range(2)] == [1, 2]


def test_what_is_not_used_is_given_back_at_the_end_and_after_idle_minutes() -> None:
    desk = Desk(holdings(WARMING, address(2, 2), pools=POOLS))
    till = Till(1, Provider.GOOGLE, NOON.date())
    desk.chosen(30, "google")
    desk.refresh()
    desk.chosen(5, "google")
    assert desk.book.taken[till] == 30
    desk.refresh()
    desk.clock.advance(timedelta(minutes=11))
    desk.refresh()
    assert desk.book.taken[till] == 5
    desk.choose("google")
    desk.refresh()
    asyncio.run(desk.chooser.close())
    assert desk.book.taken[till] == 5


def test_allowance_for_what_was_not_sent_can_be_used_again_but_not_after_its_day() -> None:
    desk = Desk(holdings(WARMING, address(2, 2), pools=POOLS), per_day=10)
    desk.choose("google")
    desk.refresh()
    unsent = desk.choose("google")
    assert desk.chosen(9, "google") == {1: 9}
    assert isinstance(unsent, Source)
    assert unsent.allowance_of == NOON.date()
    desk.chooser.landed(unsent, "google", Landing.UNSENT, 1)
    assert desk.chosen(2, "google") == {1: 1, 2: 1}
    desk.clock.advance(timedelta(days=1))
    desk.refresh()
    desk.chooser.landed(unsent, "google", Landing.UNSENT, 1)
    assert desk.chosen(1, "google") == {2: 1}
    desk.refresh()
    assert desk.chosen(20, "google")[1] == 10
    assert desk.book.counted == []


# --- what is learnt and told ---


def test_what_staff_change_is_followed_within_seconds() -> None:
    desk = Desk(holdings(address(1)))
    desk.book.known = holdings(address(2))
    desk.refresh()
    assert ip_of(desk.choose()) == 1
    desk.clock.advance(LEARN_EVERY)
    desk.refresh()
    assert ip_of(desk.choose()) == 2


def test_results_are_added_up_by_hour_and_survive_an_absent_database() -> None:
    desk = Desk(holdings(address(1)))
    source = desk.choose()
    assert isinstance(source, Source)
    desk.book.away = True
    desk.chooser.landed(source, "google", Landing.DELIVERED, 3)
    desk.chooser.landed(source, "google", Landing.BLOCKED, 1)
    desk.refresh()
    assert desk.choose() == source
    desk.book.away = False
    desk.chooser.landed(source, "google", Landing.DELIVERED, 1)
    desk.refresh()
    desk.refresh()
    (result,) = desk.book.counted
    assert (result.ip_id, result.provider, result.hour) == (1, Provider.GOOGLE, NOON)
    assert result.tally == Tally(delivered=4, blocked=1)


@pytest.mark.parametrize("rule", ["gmx", "default", "orange", ""])
def test_providers_without_a_ladder_of_their_own_share_one(rule: str) -> None:
    desk = Desk(holdings(address(1, 1, Provider.OTHER), address(2, 2), pools=POOLS))
    assert ip_of(desk.choose(rule)) == 2
    desk.refresh()
    assert ip_of(desk.choose(rule)) == 1
