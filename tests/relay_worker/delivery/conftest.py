"""What delivery is tested with: a queue in memory, a scripted mail server, keys, a zone."""

import asyncio
import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import uvloop
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from platform_core.settings import Settings
from platform_dev.nameserver import Nameserver
from platform_dev.zone import Records


@cache
def rsa_pem() -> bytes:
    return _pem(rsa.generate_private_key(65537, 2048))


@cache
def ed25519_pem() -> bytes:
    return _pem(ed25519.Ed25519PrivateKey.generate())


def _pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def rsa_key() -> bytes:
    return rsa_pem()


@pytest.fixture
def ed25519_key() -> bytes:
    return ed25519_pem()


@pytest.fixture
def make_settings() -> Callable[..., Settings]:
    """Settings with waits short enough for a test, and whatever the test says otherwise."""

    def make(**changes: object) -> Settings:
        values: dict[str, object] = {
            "secret_key": os.environ["FRANKPOST_SECRET_KEY"],
            "delivery_connect_seconds": 2,
            "delivery_command_seconds": 2,
            "delivery_final_dot_seconds": 2,
            "delivery_idle_seconds": 0.2,
            "delivery_helo": "mta.test",
        }
        return Settings(**(values | changes))

    return make


@pytest.fixture
def under_uvloop() -> Iterator[None]:
    """The event loop that workers run; its TLS and its timers are not asyncio's."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    yield
    asyncio.set_event_loop_policy(None)


@pytest.fixture(params=["asyncio", "uvloop"])
def under_either_loop(request: pytest.FixtureRequest) -> None:
    if request.param == "uvloop":
        request.getfixturevalue("under_uvloop")


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    with Nameserver(Records({})) as server:
        yield server
