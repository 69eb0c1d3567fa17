"""Addresses that are rented: handed over once, to one alone, and back where they came from at the end."""

from collections.abc import Callable
from itertools import count
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from billing.payments.models import IpOrder
from billing.payments.states import OrderState
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.ids import AccountId
from relay_worker.addresses.models import IpAddress, IpPool, PoolAssignment
from relay_worker.addresses.queries import pool_by_name
from relay_worker.addresses.rented.models import RentedAddress
from relay_worker.addresses.rented.queries import addresses_by_rental
from relay_worker.addresses.rented.services import hand_over_addresses, take_back_addresses
from relay_worker.addresses.services import move_address, retire_address
from tenants.accounts.queries import main_account
from tests.relay_worker.addresses.conftest import MakeAddress, MakePool

CUSTOMER = AccountId(2)
_HOSTS = count(10)


def fresh() -> str:
    """An address that no other test has."""
    return f"198.51.100.{next(_HOSTS)}"


MakeOrder = Callable[..., IpOrder]


@pytest.fixture
def order(rows: Session, reseller: ResellerRef, clock: StoppedClock) -> MakeOrder:
    """A factory of committed orders."""

    def make(addresses: int = 1, account_id: AccountId = CUSTOMER) -> IpOrder:
        made = IpOrder(
            reseller_id=reseller.id,
            account_id=account_id,
            payment_id=uuid4(),
            addresses=addresses,
            state=OrderState.ORDERED,
            ordered_at=clock.now(),
        )
        rows.add(made)
        rows.commit()
        return made

    return make


@pytest.fixture
def shared(pool: MakePool) -> IpPool:
    return pool("shared", is_default=True)


def hand_over(rows: Session, clock: StoppedClock, order: IpOrder, *addresses: IpAddress) -> IpPool:
    names = [one.address for one in addresses]
    made = hand_over_addresses(rows, order.id, names, clock=clock, actor="tests")
    rows.commit()
    return made


def take_back(rows: Session, clock: StoppedClock) -> int:
    taken = take_back_addresses(rows, clock=clock, actor="tests")
    rows.commit()
    return taken


def senders(rows: Session, pool: IpPool) -> list[AccountId | None]:
    return [one.account_id for one in rows.query(PoolAssignment).filter_by(pool_id=pool.id)]


def test_who_has_ordered_sends_from_its_addresses_alone(
    rows: Session,
    clock: StoppedClock,
    shared: IpPool,
    ip: MakeAddress,
    order: MakeOrder,
    reseller: ResellerRef,
) -> None:
    wanted, one, two = order(2), ip(fresh(), shared), ip(fresh(), shared)
    made = hand_over(rows, clock, wanted, one, two)
    assert (one.pool, two.pool, made.reseller_id, made.fallback_id) == (made, made, reseller.id, shared.id)
    assert (senders(rows, made), wanted.state) == ([CUSTOMER], OrderState.FULFILLED)
    found = addresses_by_rental(rows, reseller.id, CUSTOMER)
    assert found == {wanted.payment_id: [one.address, two.address]}


def test_a_reseller_rents_for_everybody_that_it_has(
    rows: Session,
    clock: StoppedClock,
    shared: IpPool,
    ip: MakeAddress,
    order: MakeOrder,
    reseller: ResellerRef,
) -> None:
    with tenant_session(reseller) as session:
        main = main_account(session).id
    made = hand_over(rows, clock, order(account_id=main), ip(fresh(), shared))
    assert senders(rows, made) == [None]


def test_no_address_is_rented_twice_and_none_is_moved_meanwhile(
    rows: Session, clock: StoppedClock, shared: IpPool, ip: MakeAddress, order: MakeOrder
) -> None:
    address, first, second = ip(fresh(), shared), order(), order(account_id=AccountId(3))
    hand_over(rows, clock, first, address)
    with pytest.raises((AlreadyExists, InvalidInput), match="rented"):
        hand_over(rows, clock, second, address)
    rows.rollback()
    with pytest.raises(InvalidInput, match="rented"):
        move_address(rows, address, shared, actor="tests")
    rows.rollback()
    assert rows.query(RentedAddress).filter_by(ip_id=address.id, returned_at=None).count() == 1


def test_as_many_as_were_ordered_are_handed_over_each_once(
    rows: Session, clock: StoppedClock, shared: IpPool, ip: MakeAddress, order: MakeOrder
) -> None:
    one, wanted = ip(fresh(), shared), order(2)
    for addresses in ([one], [one, one], [one, ip(fresh(), shared), ip(fresh(), shared)]):
        with pytest.raises(InvalidInput, match="waits for 2"):
            hand_over(rows, clock, wanted, *addresses)
        rows.rollback()


def test_what_can_t_be_rented_is_refused(
    rows: Session,
    clock: StoppedClock,
    shared: IpPool,
    ip: MakeAddress,
    order: MakeOrder,
    pool: MakePool,
    make_reseller,
) -> None:
    wanted = order()
    foreign = ip(fresh(), pool(reseller=make_reseller().reseller))
    retired = ip(fresh(), shared)
    retire_address(rows, retired, actor="tests")
    rows.commit()
    for address in (foreign, retired):
        with pytest.raises(InvalidInput):
            hand_over(rows, clock, wanted, address)
        rows.rollback()
    with pytest.raises(NotFound):
        hand_over_addresses(rows, wanted.id, ["192.0.2.250"], clock=clock, actor="tests")
    rows.rollback()


def test_at_the_end_it_goes_back_where_it_came_from_and_may_be_rented_again(
    rows: Session, clock: StoppedClock, shared: IpPool, ip: MakeAddress, order: MakeOrder, pool: MakePool
) -> None:
    spare = pool("spare")
    address, wanted = ip(fresh(), spare), order()
    name = hand_over(rows, clock, wanted, address).name
    assert take_back(rows, clock) == 0
    wanted.state = OrderState.ENDED
    rows.commit()
    assert (take_back(rows, clock), take_back(rows, clock)) == (1, 0)
    assert address.pool is spare
    with pytest.raises(NotFound):
        pool_by_name(rows, name)
    again = order(account_id=AccountId(3))
    assert hand_over(rows, clock, again, address).name.endswith("-3")


def test_of_an_order_that_pays_for_fewer_the_newest_goes_back(
    rows: Session, clock: StoppedClock, shared: IpPool, ip: MakeAddress, order: MakeOrder
) -> None:
    one, two, wanted = ip(fresh(), shared), ip(fresh(), shared), order(2)
    made = hand_over(rows, clock, wanted, one, two)
    wanted.addresses = 1
    rows.commit()
    assert take_back(rows, clock) == 1
    assert (one.pool, two.pool, senders(rows, made)) == (made, shared, [CUSTOMER])


def test_two_orders_of_an_account_share_its_pool_and_end_apart(
    rows: Session, clock: StoppedClock, shared: IpPool, ip: MakeAddress, order: MakeOrder
) -> None:
    one, two, first, second = ip(fresh(), shared), ip(fresh(), shared), order(), order()
    made = hand_over(rows, clock, first, one)
    assert hand_over(rows, clock, second, two) is made
    first.state = OrderState.ENDED
    rows.commit()
    assert take_back(rows, clock) == 1
    assert (one.pool, two.pool, senders(rows, made)) == (shared, made, [CUSTOMER])
