"""What every test stands on: settings, embedded servers, a guard around the network, hypothesis profiles."""

import ipaddress
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from platform_core.settings import settings
from platform_dev.postgres import EmbeddedPostgres
from platform_dev.redis import EmbeddedRedis

pytest_plugins = ("tests.fixtures_database", "tests.fixtures_web")

# Before anything reads the settings. Nothing listens on port 1: a test without the servers' fixtures can't reach any.
os.environ["FRANKPOST_SECRET_KEY"] = "a-secret-key-for-tests-that-opens-nothing"
os.environ["DATABASE_URL"] = "postgresql://frankpost@127.0.0.1:1/frankpost"
os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
# A hash made as in production would take longer than all the rest of making a reseller.
os.environ["FRANKPOST_PASSWORD_MEMORY_KIB"] = "32"

# The same examples on every run: a red build must be red again when looked into.
hypothesis_settings.register_profile("here", deadline=None, derandomize=True)
hypothesis_settings.register_profile("ci", deadline=None, derandomize=True, max_examples=40)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "here")

_beyond_loopback: list[str] = []


def _refuse_beyond_loopback(event: str, arguments: tuple[object, ...]) -> None:
    """Refuses, and remembers: the code under test may take the refusal for a dead network."""
    if event not in ("socket.connect", "socket.sendto"):
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _is_loopback(str(address[0])):
        _beyond_loopback.append(str(address))
        raise PermissionError(f"A test may not reach {address}.")


def _is_loopback(host: str) -> bool:
    name = host.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


# An audit hook sees sockets of asyncio and of every library in Python alike; libpq and uvloop stay out of its sight.
sys.addaudithook(_refuse_beyond_loopback)


@pytest.fixture(autouse=True)
def stays_on_loopback() -> Iterator[None]:
    """Fails the test that tried to reach beyond loopback, whatever the code made of the refusal."""
    _beyond_loopback.clear()
    yield
    assert not _beyond_loopback, f"reached beyond loopback: {_beyond_loopback}"


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that embedded servers can reach, which pytest's own, of mode 0700, they can't when we are root."""
    # Root may have a TMPDIR of its own, which is just what the servers' account can't enter.
    place = "/tmp" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="frankpost-tests-", dir=place))
    folder.chmod(0o755)
    yield folder
    # Under a strict umask what lies deeper can't be reached either: then the data is elsewhere, behind links.
    for target in {path.resolve() for path in folder.rglob("*") if path.is_symlink()}:
        shutil.rmtree(target)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    """One Postgres for each test process, named by DATABASE_URL. Forgets on a power cut, which no test here makes."""
    with EmbeddedPostgres(server_folder / "postgres", durable=False) as server:
        os.environ["DATABASE_URL"] = server.url()
        settings.cache_clear()
        yield server


@pytest.fixture(scope="session")
def redis_server(server_folder: Path) -> Iterator[EmbeddedRedis]:
    """One Redis for each test process, named by REDIS_URL."""
    with EmbeddedRedis(server_folder / "redis", durable=False) as server:
        os.environ["REDIS_URL"] = server.url()
        settings.cache_clear()
        yield server
