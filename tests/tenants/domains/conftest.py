"""A nameserver on loopback and a domain plan, for the checks of sending domains."""

from collections.abc import Iterator

import pytest

from platform_core.resolvers import make_resolver
from platform_core.security import Seal
from platform_dev.nameserver import Nameserver
from tenants.domains.keys import GeneratedKey, generate_key
from tenants.domains.reader import RecordReader


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    with Nameserver() as nameserver:
        yield nameserver


@pytest.fixture
def reader(nameserver: Nameserver) -> RecordReader:
    return RecordReader(make_resolver((nameserver.address,)))


@pytest.fixture(scope="session")
def seal() -> Seal:
    return Seal("a-secret-key-for-tests-that-opens-nothing")


@pytest.fixture(scope="session")
def key(seal: Seal) -> GeneratedKey:
    """One key for all tests that only look at it."""
    return generate_key(seal)
