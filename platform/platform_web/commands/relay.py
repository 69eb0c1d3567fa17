"""`frankpost relay`. Apart from the other processes: what they need would double the time in which it starts."""

import click
import redis.asyncio
import uvloop

from platform_core.clock import SystemClock
from platform_core.logging import configure_logging
from platform_core.settings import Settings, settings
from platform_web.commands.watching import relay_watch
from relay_worker.inbound.bell import InboundBell
from relay_worker.inbound.door import Intake
from relay_worker.inbound.postgres import PostgresInbound
from relay_worker.monitoring.door import MeasuredDoor
from relay_worker.queue.bell import Bell
from relay_worker.queue.postgres import PostgresDoor, open_pool
from relay_worker.submission.listeners import run_relay

# Log-ins, refreshes of host names, returned mail; and batches, of which one is in the database at a time.
_POOL_SIZES = 3, 2
_REDIS_SECONDS = 2.0
_REDIS_CONNECTIONS = 8


@click.command()
def relay() -> None:
    """Take in mail over SMTP."""
    found = settings()
    configure_logging(found, process="relay")
    uvloop.run(_serve_relay(found))


async def _serve_relay(found: Settings) -> None:
    pool, for_batches = [await open_pool(found, size=size) for size in _POOL_SIZES]
    # Few connections for all sessions: a hundred clients that come at once would open a hundred.
    connections = redis.asyncio.BlockingConnectionPool.from_url(
        found.redis_url.get_secret_value(),
        max_connections=_REDIS_CONNECTIONS,
        timeout=_REDIS_SECONDS,
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=_REDIS_SECONDS,
    )
    memory = redis.asyncio.Redis.from_pool(connections)
    try:
        plain = PostgresDoor(pool, SystemClock(), allotment=found.relay_allotment, for_batches=for_batches)
        door = MeasuredDoor(plain)
        await run_relay(
            found,
            door,
            redis=memory,
            ring=Bell(found).ring,
            intake=Intake(PostgresInbound(pool), InboundBell(found).ring),
            watch=relay_watch(found, door),
        )
    finally:
        await memory.aclose()
        await pool.close()
        await for_batches.close()
