"""The workers' book of addresses in the real database: what it shows, and how it counts when many write at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from platform_core.clock import StoppedClock
from platform_core.ids import AccountId, ResellerId
from relay_worker.addresses.book import HourResult, Till
from relay_worker.addresses.chooser import Source
from relay_worker.addresses.choosing import PoolChooser
from relay_worker.addresses.models import IpAddress, IpWarmupDay
from relay_worker.addresses.pools.services import assign_pool
from relay_worker.addresses.postgres_book import PostgresAddressBook
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.queries import hours_of
from relay_worker.addresses.services import pause_address, retire_address
from relay_worker.addresses.states import Standing
from relay_worker.addresses.tally import Tally
from relay_worker.addresses.warmup.services import end_warmup
from tests.fixtures_database import MakeReseller
from tests.relay_worker.addresses.conftest import MakeAddress, MakePool
from tests.relay_worker.addresses.fakes import NOON, mail
from tests.relay_worker.queue.desk import Desk, open_account, owner_connection, result

TODAY = NOON.date()


def till(ip: IpAddress, provider: Provider = Provider.GOOGLE) -> Till:
    return Till(ip.id, provider, TODAY)


def test_the_book_shows_pools_addresses_and_who_sends_from_them(
    desk: Desk, rows: Session, pool: MakePool, ip: MakeAddress, make_reseller: MakeReseller
) -> None:
    one = make_reseller().reseller
    shared, own = pool("shared", is_default=True), pool("own", reseller=one)
    warm, warming = ip("192.0.2.1", shared, warm_up=False), ip("2001:db8::1", own)
    pause_address(rows, warming, actor="tests")
    retire_address(rows, ip("192.0.2.9", shared), actor="tests")
    assign_pool(rows, own, one, AccountId(7), actor="tests")
    rows.commit()
    found = desk.run(PostgresAddressBook(desk.pool).holdings())
    assert {one.id: (one.is_default, one.reseller_id) for one in found.pools} == {
        shared.id: (True, None),
        own.id: (False, one.id),
    }
    assert found.assignments == {(one.id, AccountId(7)): own.id}
    by_ip = {one.source.ip_id: one for one in found.addresses}
    assert set(by_ip) == {warm.id, warming.id}
    assert by_ip[warm.id].source == Source(warm.id, "192.0.2.1", "mta1.example.net")
    assert (by_ip[warm.id].active, by_ip[warm.id].version, by_ip[warm.id].warming) == (True, 4, frozenset())
    assert (by_ip[warming.id].active, by_ip[warming.id].version) == (False, 6)
    assert by_ip[warming.id].warming == frozenset(Provider)
    assert by_ip[warming.id].standing is Standing.SOUND


def test_an_assignment_to_anothers_pool_is_not_shown_even_if_it_were_written(
    desk: Desk, rows: Session, pool: MakePool, make_reseller: MakeReseller
) -> None:
    mine, others = make_reseller().reseller, make_reseller().reseller
    dedicated = pool(reseller=others)
    with owner_connection() as connection:
        connection.execute(
            "INSERT INTO platform.pool_assignment (reseller_id, pool_id) VALUES (%s, %s)",
            (mine.id, dedicated.id),
        )
    assert desk.run(PostgresAddressBook(desk.pool).holdings()).assignments == {}


def test_many_workers_at_once_take_no_more_than_the_stage(desk: Desk, rows: Session, ip: MakeAddress) -> None:
    address = ip()
    book = PostgresAddressBook(desk.pool)

    async def all_at_once() -> list[dict[Till, int]]:
        wishes = [{till(address): 17, till(address, Provider.YAHOO): 30} for _ in range(40)]
        return await asyncio.gather(*(book.take(one) for one in wishes))

    granted = desk.run(all_at_once())
    for provider in Provider.GOOGLE, Provider.YAHOO:
        assert sum(one[till(address, provider)] for one in granted) == 200
        day = rows.get(IpWarmupDay, (address.id, provider, TODAY))
        assert day is not None and (day.stage, day.per_day, day.taken) == (1, 200, 200)


def test_what_is_given_back_can_be_taken_again_and_never_more(
    desk: Desk, rows: Session, ip: MakeAddress
) -> None:
    book, one = PostgresAddressBook(desk.pool), till(ip())
    assert desk.run(book.take({one: 150})) == {one: 150}
    assert desk.run(book.take({one: -500})) == {one: -150}
    assert desk.run(book.take({one: 500})) == {one: 200}
    assert desk.run(book.take({one: 1})) == {one: 0}


def test_an_address_that_is_not_on_the_ladder_has_no_till(desk: Desk, rows: Session, ip: MakeAddress) -> None:
    address = ip()
    end_warmup(rows, address)
    rows.commit()
    assert desk.run(PostgresAddressBook(desk.pool).take({till(address): 10})) == {}


def test_results_of_several_workers_add_up(desk: Desk, rows: Session, ip: MakeAddress) -> None:
    address, book = ip(), PostgresAddressBook(desk.pool)
    tally = Tally(delivered=5, deferred=4, throttled=3, blocked=2, bounced=1)
    unknown = HourResult(address.id + 1000, Provider.APPLE, NOON, tally)
    for _ in range(2):
        desk.run(book.count([HourResult(address.id, Provider.APPLE, NOON, tally), unknown]))
    assert hours_of(rows, address.id, NOON) == {NOON: tally + tally}


def test_a_complaint_counts_for_the_address_that_it_names_and_no_other(
    rows: Session, ip: MakeAddress
) -> None:
    address, other = ip("192.0.2.1"), ip("192.0.2.2")
    with owner_connection() as connection:
        for named in "192.0.2.1", "192.0.2.1", "198.51.100.1":
            connection.execute(
                "SELECT relay.count_complaint(%s, 'mx1.example.org', %s)",
                (named, NOON + timedelta(minutes=59)),
            )
    assert hours_of(rows, address.id, NOON) == {NOON: Tally(complained=2)}
    assert hours_of(rows, other.id, NOON) == {}


def test_a_chooser_on_the_real_book_keeps_to_the_stage_and_overflows(
    desk: Desk, rows: Session, pool: MakePool, ip: MakeAddress, clock: StoppedClock
) -> None:
    warm = pool("warm")
    first = pool("first", is_default=True, fallback=warm)
    cold, overflow = ip("192.0.2.1", first), ip("192.0.2.2", warm, warm_up=False)
    workers = [PoolChooser(PostgresAddressBook(desk.pool), clock, is_here=lambda _: True) for _ in range(3)]
    chosen = []
    for _ in range(6):
        for worker in workers:
            desk.run(worker.refresh())
            chosen += [worker.choose(mail(ResellerId(1)), "mx", "google") for _ in range(40)]
    ips = [one.ip_id for one in chosen if isinstance(one, Source)]
    assert (ips.count(cold.id), ips.count(overflow.id)) == (200, 520)


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("gmail-smtp-in.l.google.com", Provider.GOOGLE),
        ("contoso-com.mail.protection.OUTLOOK.com", Provider.MICROSOFT),
        ("contoso-com.e-v1.mx.microsoft", Provider.MICROSOFT),
        ("mta5.am0.yahoodns.net", Provider.YAHOO),
        ("mx01.mail.icloud.com", Provider.APPLE),
        ("mx.notgoogle.com", Provider.OTHER),
        ("mx00.gmx.net", Provider.OTHER),
        ("", Provider.OTHER),
    ],
)
def test_a_complaint_counts_for_the_provider_whose_server_took_the_mail(
    rows: Session, host: str, provider: Provider
) -> None:
    with owner_connection() as connection:
        found = connection.execute("SELECT relay.warmup_provider(%s) AS name", (host,)).fetchone()
    assert found == {"name": provider}


def test_a_complaint_about_a_message_lowers_the_address_that_it_came_from_once(
    desk: Desk, rows: Session, ip: MakeAddress, make_reseller: MakeReseller
) -> None:
    address, reseller = ip("192.0.2.1"), make_reseller().reseller
    with owner_connection() as books:
        books.autocommit = True
        sender = open_account(books, reseller, credits=1)
        desk.accept(sender.message())
        worker = desk.worker()
        claimed = next(one for one in worker.claim() if one.account_id == sender.account_id)
        worker.finish(replace(result(claimed), source_address="192.0.2.1"))
        texts = ("origin", "outcome_class", "enhanced_code", "reply_text", "remote_address")
        found = {"kind": "complained", "message_id": str(claimed.message_id), "n": 0, "at": NOON.isoformat()}
        for _ in range(2):
            books.execute(
                "SELECT relay.apply_feedback(%s, jsonb_populate_record(NULL::relay.feedback, %s))",
                (reseller.id, Jsonb(dict.fromkeys(texts, "") | {"reply_code": 0} | found)),
            )
    assert hours_of(rows, address.id, NOON)[NOON] == Tally(complained=1)
