"""Redis as the memory that relay processes share: asked quickly, done without when it is slow or gone."""

import asyncio
import ipaddress
import time
from collections.abc import Callable
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

PATIENCE = 0.25  # seconds a client is made to wait for Redis
# Seconds without asking after a fault, so that a dead Redis does not cost every client the patience.
REST = 5.0

log = structlog.get_logger()


class SharedMemory:
    """One round trip to Redis at a time, or None: the caller then goes by what its own process knows."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self._resting_until = 0.0

    async def ask(self, fill: Callable[[Pipeline], None]) -> list[Any] | None:
        """The answers to the commands that `fill` puts into the pipeline; None while Redis can't be asked."""
        if self._redis is None or time.monotonic() < self._resting_until:
            return None
        try:
            async with asyncio.timeout(PATIENCE), self._redis.pipeline(transaction=False) as pipeline:
                fill(pipeline)
                return await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            if time.monotonic() >= self._resting_until:  # the first of all that have asked at once
                log.warning("relay.redis_unreachable", error=repr(error))
            self._resting_until = time.monotonic() + REST
            return None


def client_key(address: str) -> str:
    """What limits count an address by: an IPv4 address, or the /64 that one IPv6 client has to itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
