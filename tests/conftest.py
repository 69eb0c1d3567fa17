"""What every test stands on: settings, embedded servers, a guard around the network, hypothesis profiles."""

import ipaddress
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import structlog
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

# As the product has it. By itself structlog would draw frames around the values of all variables, which takes seconds.
_plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _plain])

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


# Here files cost nothing, and those of a database are many; a disk may take a minute to remove them.
MEMORY = Path("/dev/shm")
ROOM = 2 << 30  # bytes; two test processes need less than half of it


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that embedded servers can reach, which pytest's own, of mode 0700, they can't when we are root."""
    # Root may have a TMPDIR of its own, which is just what the servers' account can't enter.
    with _open_folder(Path("/tmp" if os.geteuid() == 0 else tempfile.gettempdir())) as folder:
        yield folder


@pytest.fixture(scope="session")
def forgetful_folder(server_folder: Path) -> Iterator[Path]:
    """Such a folder for servers that need not survive a power cut: in memory, where there is room."""
    if not (MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM):
        yield server_folder
        return
    with _open_folder(MEMORY) as folder:
        yield folder


@contextmanager
def _open_folder(place: Path) -> Iterator[Path]:
    _remove_abandoned(place)
    folder = Path(tempfile.mkdtemp(prefix=f"frankpost-tests-{os.getpid()}-", dir=place))
    folder.chmod(0o755)
    yield folder
    # Under a strict umask what lies deeper can't be reached either: then the data is elsewhere, behind links.
    for target in {path.resolve() for path in folder.rglob("*") if path.is_symlink()}:
        shutil.rmtree(target)
    shutil.rmtree(folder)


def _remove_abandoned(place: Path) -> None:
    """Folders of test processes that were killed: what they hold in memory nobody else gives back."""
    for folder in place.glob("frankpost-tests-*-*"):
        if not psutil.pid_exists(int(folder.name.split("-")[2])):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(forgetful_folder: Path) -> Iterator[EmbeddedPostgres]:
    """One Postgres for each test process, named by DATABASE_URL. Forgets on a power cut, which no test here makes."""
    with EmbeddedPostgres(forgetful_folder / "postgres", durable=False) as server:
        os.environ["DATABASE_URL"] = server.url()
        settings.cache_clear()
        yield server


@pytest.fixture(scope="session")
def redis_server(forgetful_folder: Path) -> Iterator[EmbeddedRedis]:
    """One Redis for each test process, named by REDIS_URL."""
    with EmbeddedRedis(forgetful_folder / "redis", durable=False) as server:
        os.environ["REDIS_URL"] = server.url()
        settings.cache_clear()
        yield server
