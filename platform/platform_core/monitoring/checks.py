"""What a process needs to be ready: servers that answer. Each check is short, and asks anew every time."""

from collections.abc import Callable

import psycopg
from redis import Redis, RedisError
from sqlalchemy import URL

from platform_core.settings import Settings

CHECK_SECONDS = 2

Check = Callable[[], bool]


def postgres_answers(url: URL) -> Check:
    """Postgres lets this role in and runs a statement."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)

    def check() -> bool:
        try:
            with psycopg.connect(address, connect_timeout=CHECK_SECONDS, autocommit=True) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    return check


def redis_answers(settings: Settings) -> Check:
    """Redis answers a ping."""
    url = settings.redis_url.get_secret_value()

    def check() -> bool:
        try:
            with Redis.from_url(
                url, socket_connect_timeout=CHECK_SECONDS, socket_timeout=CHECK_SECONDS
            ) as redis:
                return bool(redis.ping())
        except RedisError:
            return False

    return check
