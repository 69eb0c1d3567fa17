"""Two resellers, accounts of theirs, and a relay that takes mail back."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

from platform_core.database import ResellerRef
from platform_core.settings import Settings
from tests.fixtures_database import fresh_reseller
from tests.relay_worker.inbound.returns import ReturnRelay
from tests.relay_worker.queue.desk import Desk, Sender, open_account, owner_connection

OpenAccount = Callable[..., Sender]


@pytest.fixture(scope="session")
def resellers(headless_app: Flask) -> list[ResellerRef]:
    with headless_app.app_context():
        return [fresh_reseller(key=f"i{uuid4().hex[:10]}").reseller for _ in range(2)]


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


@pytest.fixture(autouse=True)
def nothing_from_before(books: psycopg.Connection[dict[str, Any]]) -> None:
    """What other tests have left would be claimed and read here."""
    books.execute("DELETE FROM relay.due")
    books.execute("DELETE FROM relay.inbound")


@pytest.fixture
def account(
    app: Flask, books: psycopg.Connection[dict[str, Any]], resellers: list[ResellerRef]
) -> OpenAccount:
    """A factory of accounts that may send; of the first reseller unless said otherwise."""
    return lambda reseller=0: open_account(books, resellers[reseller], credits=1000)


@pytest.fixture
def shop(account: OpenAccount) -> Sender:
    return account()


@pytest.fixture(scope="session")
def relay(database: Settings) -> Iterator[ReturnRelay]:
    relay = ReturnRelay()
    relay.start()
    yield relay
    relay.stop()
