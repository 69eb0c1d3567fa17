"""One running product for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.product import Product


@pytest.fixture(scope="session")
def running_product(server_folder: Path) -> Iterator[Product]:
    folder = server_folder / "product"
    folder.mkdir()
    with Product(folder) as product:
        yield product


@pytest.fixture
def product(running_product: Product) -> Iterator[Product]:
    """Up and idle, and each test leaves it so."""
    running_product.sink.delay, running_product.sink.refuses = 0.0, ""
    running_product.until(running_product.answers, "the relay listens")
    running_product.until_recorded()
    yield running_product
