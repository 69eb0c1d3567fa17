"""An empty book of addresses in the real database for each test, and what makes pools and addresses in it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from platform_core.clock import StoppedClock
from platform_core.database import db
from platform_core.settings import Settings
from relay_worker.addresses.models import IpAddress, IpPool
from relay_worker.addresses.pools.services import create_pool
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.services import NewAddress, add_address
from relay_worker.addresses.tally import Tally
from tests.relay_worker.addresses.fakes import NOON
from tests.relay_worker.queue.desk import Desk, owner_connection


@pytest.fixture
def rows(app: Flask) -> Iterator[Session]:
    """A session on the platform's rows, with no pool and no address in it; none are left behind."""
    _forget_all()
    yield db.session()
    db.session.rollback()
    _forget_all()


def _forget_all() -> None:
    with owner_connection() as connection:
        connection.execute("TRUNCATE platform.ip_pool CASCADE")


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(NOON)


MakePool = Callable[..., IpPool]
MakeAddress = Callable[..., IpAddress]


@pytest.fixture
def pool(rows: Session) -> MakePool:
    """A factory of committed pools."""

    def make(name: str = "", **options: object) -> IpPool:
        made = create_pool(rows, name or f"p{uuid4().hex[:8]}", actor="tests", **options)  # type: ignore[arg-type]
        rows.commit()
        return made

    return make


@pytest.fixture
def ip(rows: Session, clock: StoppedClock, pool: MakePool) -> MakeAddress:
    """A factory of committed addresses, in a pool of their own unless one is named."""

    def make(
        address: str = "192.0.2.1",
        into: IpPool | None = None,
        *,
        warm_up: bool = True,
        peak_per_day: int | None = None,
    ) -> IpAddress:
        new = NewAddress(address, "mta1.example.net", warm_up, peak_per_day)
        made = add_address(rows, into or pool(), new, clock=clock, actor="tests")
        rows.commit()
        return made

    return make


AddResult = Callable[..., None]


@pytest.fixture
def result(rows: Session) -> AddResult:
    """Writes what came of one hour's attempts."""

    def add(address: IpAddress, hour: datetime, tally: Tally, provider: Provider = Provider.GOOGLE) -> None:
        with owner_connection() as connection:
            connection.execute(
                """INSERT INTO platform.ip_result (ip_id, provider, hour, delivered, deferred, throttled, blocked,
                   bounced, complained) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                (address.id, provider, hour, *(getattr(tally, name) for name in Tally.__slots__)),
            )

    return add


@pytest.fixture(scope="session")
def desk(database: Settings) -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()
