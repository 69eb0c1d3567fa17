"""Two resellers that all tests of the queue share, the desk, and an empty queue for each test."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

from platform_core.database import ResellerRef, db
from platform_core.ids import ResellerKey
from platform_core.settings import Settings
from relay_worker.queue.door import Verdict
from tenants.models import HostPurpose
from tenants.resellers.services import NewReseller, create_reseller
from tests.relay_worker.queue.allotted import MOST, send
from tests.relay_worker.queue.desk import Desk, Sender, Worker, open_account, owner_connection

OpenAccount = Callable[..., Sender]


@pytest.fixture(scope="session")
def resellers(headless_app: Flask) -> list[ResellerRef]:
    """Three of them, in the order of their ids."""
    with headless_app.app_context():
        made = [_make_reseller() for _ in range(3)]
    return sorted(made, key=lambda reseller: reseller.id)


def _make_reseller() -> ResellerRef:
    key = f"q{uuid4().hex[:10]}"
    hosts = {purpose: f"{purpose.replace('_', '-')}.{key}.example" for purpose in HostPurpose}
    new = NewReseller(ResellerKey(key), "Queue Mail", f"owner@{key}.example", hosts)
    reseller = create_reseller(db.session(), new, actor="tests").reseller
    db.session.commit()
    return reseller


@pytest.fixture(scope="session")
def desk(database: Settings) -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture(scope="session")
def books(database: Settings) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with owner_connection() as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture
def worker(desk: Desk) -> Worker:
    return desk.worker()


@pytest.fixture
def another_worker(desk: Desk) -> Worker:
    return desk.worker()


@pytest.fixture
def account(
    app: Flask, books: psycopg.Connection[dict[str, Any]], resellers: list[ResellerRef]
) -> OpenAccount:
    """A factory of accounts, of the first reseller unless said otherwise."""

    def make(reseller: int = 0, **limits: object) -> Sender:
        return open_account(books, resellers[reseller], **limits)  # type: ignore[arg-type]

    return make


@pytest.fixture
def busy(desk: Desk, account: OpenAccount) -> Sender:
    """An account with 1,000 credits that has sent two messages, and so has an allotment."""
    sender = account(credits=1000)
    for message in sender.messages(2):
        assert send(desk, message) == [Verdict.ACCEPTED]
    assert sender.allotted == (MOST, MOST)
    return sender


@pytest.fixture(autouse=True)
def empty_queue(books: psycopg.Connection[dict[str, Any]]) -> Iterator[None]:
    """What other tests have left due would be claimed here, and what is handed over here is never claimed elsewhere."""
    books.execute("DELETE FROM relay.due")
    yield
    books.execute("DELETE FROM relay.due WHERE for_ip IS NOT NULL")
