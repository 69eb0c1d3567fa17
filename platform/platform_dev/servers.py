"""The servers we stand on: real ones where DATABASE_URL and REDIS_URL name them, embedded ones otherwise."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from platform_core.errors import ServerUnreachable
from platform_dev.postgres import EmbeddedPostgres
from platform_dev.redis import EmbeddedRedis

# Roles granted WITH INHERIT FALSE, SET TRUE came with Postgres 16.
OLDEST_POSTGRES = 16
OLDEST_REDIS = (6, 2)
CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Servers:
    """Where Postgres and Redis answer. `embedded`: the ones of them that are our children, in starting order."""

    database_url: str
    redis_url: str
    embedded: tuple[EmbeddedPostgres | EmbeddedRedis, ...]

    @property
    def environment(self) -> dict[str, str]:
        """What a process of the product needs to find them."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


@contextmanager
def running_servers(
    var_dir: Path, environment: Mapping[str, str] = os.environ, *, postgres_port: int = 0, redis_port: int = 0
) -> Iterator[Servers]:
    """Postgres and Redis, answering and of a version that serves; the embedded ones end with the block.

    Raises ServerUnreachable with the reason.
    """
    with ExitStack() as stack:
        embedded: list[EmbeddedPostgres | EmbeddedRedis] = []
        database_url = environment.get("DATABASE_URL")
        if not database_url:
            postgres = stack.enter_context(EmbeddedPostgres(var_dir / "postgres", postgres_port))
            embedded.append(postgres)
            database_url = postgres.url()
        redis_url = environment.get("REDIS_URL")
        if not redis_url:
            bell = stack.enter_context(EmbeddedRedis(var_dir / "redis", redis_port))
            embedded.append(bell)
            redis_url = bell.url()
        check_postgres(database_url)
        check_redis(redis_url)
        yield Servers(database_url, redis_url, tuple(embedded))


def check_postgres(url: str) -> None:
    """Raises ServerUnreachable when Postgres does not answer at `url`, or is too old."""
    try:
        with psycopg.connect(_libpq(url), connect_timeout=CONNECT_SECONDS) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        raise ServerUnreachable(f"Postgres at {_place(url)} does not answer: {error}") from None
    if version < OLDEST_POSTGRES * 10_000:
        raise ServerUnreachable(
            f"Postgres at {_place(url)} is version {version // 10_000}; {OLDEST_POSTGRES} or later is needed."
        )


def check_redis(url: str) -> None:
    """Raises ServerUnreachable when Redis does not answer at `url`, or is too old."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS) as client:
            text = str(client.info("server")["redis_version"])
    except (redis.RedisError, ValueError) as error:
        raise ServerUnreachable(f"Redis at {_place(url)} does not answer: {error}") from None
    if tuple(int(part) for part in text.split(".")[:2]) < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        raise ServerUnreachable(f"Redis at {_place(url)} is version {text}; {oldest} or later is needed.")


def _libpq(url: str) -> str:
    """Without SQLAlchemy's driver name (`postgresql+psycopg://`), which libpq does not know."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"


def _place(url: str) -> str:
    """Host and port (or path) of a URL; never its password."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path or "an empty address"
