"""A running product of its own for each soak: what is left of the last one would be in the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.product import Product


@pytest.fixture
def product(server_folder: Path) -> Iterator[Product]:
    folder = server_folder / "soak"
    folder.mkdir()
    with Product(folder) as product:
        yield product
