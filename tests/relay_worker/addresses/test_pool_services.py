"""Pools and who sends from them: what is refused, and that one reseller's addresses are nobody else's."""

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from platform_core.database import tenant_session
from platform_core.errors import AlreadyExists, FrankpostError, InvalidInput, NotFound
from platform_core.ids import AccountId
from relay_worker.addresses.models import IpAddress, IpPool
from relay_worker.addresses.overview import dedicated_addresses, every_address
from relay_worker.addresses.pools.services import (
    assign_pool,
    create_pool,
    delete_pool,
    set_fallback,
    unassign_pool,
)
from relay_worker.addresses.queries import assignments_of
from relay_worker.addresses.services import move_address, resume_address, retire_address
from tenants.models import AuditEntry
from tests.fixtures_database import MakeReseller
from tests.relay_worker.addresses.conftest import MakeAddress, MakePool
from tests.relay_worker.addresses.fakes import NOON


@pytest.mark.parametrize("name", ["", "Upper", "-front", "a" * 42, "sp ace"])
def test_a_name_that_can_t_be_typed_is_refused(rows: Session, name: str) -> None:
    with pytest.raises(InvalidInput):
        create_pool(rows, name, actor="tests")


def test_a_taken_name_is_refused(rows: Session, pool: MakePool) -> None:
    pool("twice")
    with pytest.raises(AlreadyExists):
        create_pool(rows, "twice", actor="tests")


def test_there_is_one_default_pool_at_a_time(rows: Session, pool: MakePool) -> None:
    first, second = pool(is_default=True), pool(is_default=True)
    rows.refresh(first)
    assert (first.is_default, second.is_default) == (False, True)


def test_the_default_pool_is_nobodys_own(rows: Session, make_reseller: MakeReseller) -> None:
    with pytest.raises(InvalidInput):
        create_pool(rows, "mine", actor="tests", reseller=make_reseller().reseller, is_default=True)


def test_fallbacks_make_no_circle(rows: Session, pool: MakePool) -> None:
    last = pool()
    middle = pool(fallback=last)
    first = pool(fallback=middle)
    for fallback in first, middle, last:
        with pytest.raises(InvalidInput):
            set_fallback(rows, last, fallback)


def test_no_pool_falls_back_on_anothers_own(
    rows: Session, pool: MakePool, make_reseller: MakeReseller
) -> None:
    mine, others = make_reseller().reseller, make_reseller().reseller
    dedicated = pool(reseller=others)
    for reseller in None, mine:
        with pytest.raises(InvalidInput):
            create_pool(rows, "mine", actor="tests", reseller=reseller, fallback=dedicated)
    create_pool(rows, "theirs", actor="tests", reseller=others, fallback=dedicated)


def test_anothers_dedicated_pool_can_t_be_assigned(
    rows: Session, pool: MakePool, make_reseller: MakeReseller
) -> None:
    mine, others = make_reseller().reseller, make_reseller().reseller
    dedicated = pool(reseller=others)
    for account in None, AccountId(7):
        with pytest.raises(InvalidInput):
            assign_pool(rows, dedicated, mine, account, actor="tests")
    assert assignments_of(rows, dedicated.id) == []


def test_an_assignment_takes_the_place_of_the_one_before(
    rows: Session, pool: MakePool, make_reseller: MakeReseller
) -> None:
    reseller, first, second = make_reseller().reseller, pool(), pool()
    for into in first, second, second:
        assign_pool(rows, into, reseller, None, actor="tests")
    assert assignments_of(rows, first.id) == []
    assert [one.reseller_id for one in assignments_of(rows, second.id)] == [reseller.id]
    unassign_pool(rows, reseller, None, actor="tests")
    with pytest.raises(NotFound):
        unassign_pool(rows, reseller, None, actor="tests")


def test_only_an_empty_pool_that_nobody_uses_is_deleted(
    rows: Session, pool: MakePool, ip: MakeAddress, make_reseller: MakeReseller
) -> None:
    reseller, empty, used = make_reseller().reseller, pool(), pool()
    address = ip("192.0.2.1", used)
    assign_pool(rows, empty, reseller, None, actor="tests")
    for refused in empty, used:
        with pytest.raises(InvalidInput):
            delete_pool(rows, refused, actor="tests")
    unassign_pool(rows, reseller, None, actor="tests")
    move_address(rows, address, empty, actor="tests")
    delete_pool(rows, used, actor="tests")
    assert rows.get(IpPool, used.id) is None


def test_a_reseller_sees_the_addresses_dedicated_to_it_and_no_others(
    rows: Session, pool: MakePool, ip: MakeAddress, make_reseller: MakeReseller
) -> None:
    mine, others = make_reseller().reseller, make_reseller().reseller
    own = ip("192.0.2.1", pool(reseller=mine))
    ip("192.0.2.2", pool(reseller=others))
    ip("192.0.2.3", pool())
    retire_address(rows, ip("192.0.2.4", pool(reseller=mine)), actor="tests")
    assert [one.id for one in dedicated_addresses(rows, mine.id, NOON)] == [own.id]
    assert len(every_address(rows, NOON)) == 4


def test_inside_a_reseller_no_table_of_addresses_can_be_read(
    rows: Session, make_reseller: MakeReseller
) -> None:
    with tenant_session(make_reseller().reseller) as session, pytest.raises(ProgrammingError) as refused:
        session.scalars(select(IpAddress)).all()
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize(
    "address", ["192.0.2", "192.0.2.0/24", "fe80::1%eth0", "::ffff:192.0.2.1", "0.0.0.0", "224.0.0.1", "mta"]
)
def test_what_nothing_can_be_sent_from_is_refused(rows: Session, ip: MakeAddress, address: str) -> None:
    with pytest.raises(InvalidInput):
        ip(address)


def test_an_address_is_kept_in_its_canonical_form_and_once(rows: Session, ip: MakeAddress) -> None:
    assert ip("2001:0DB8:0::1").address == "2001:db8::1"
    with pytest.raises(AlreadyExists):
        ip("2001:db8::1")


def test_a_peak_below_the_first_stage_is_refused(ip: MakeAddress) -> None:
    with pytest.raises(FrankpostError):
        ip(peak_per_day=199)


def test_a_retired_address_may_come_back_but_not_twice(rows: Session, ip: MakeAddress) -> None:
    address = ip()
    retire_address(rows, address, actor="tests")
    resume_address(rows, address, actor="tests")
    with pytest.raises(InvalidInput):
        resume_address(rows, address, actor="tests")


def test_what_was_done_is_written_down_with_who_did_it(rows: Session, ip: MakeAddress) -> None:
    address = ip("192.0.2.33")
    retire_address(rows, address, actor="ada@platform.example")
    written = select(AuditEntry).where(AuditEntry.detail["address"].astext == "192.0.2.33")
    entries = rows.scalars(written.order_by(AuditEntry.id))
    assert [(one.action, one.actor) for one in entries.all()][-2:] == [
        ("ip.add", "tests"),
        ("ip.retire", "ada@platform.example"),
    ]
