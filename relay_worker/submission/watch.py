"""One clock for all sessions: it ends those that are silent or last too long."""

import asyncio

import structlog

from relay_worker.submission.services import Services

TICK = 0.5  # seconds

log = structlog.get_logger()


async def watch_for_ever(services: Services) -> None:
    """Check each session every half second; ends by cancellation.

    A timer of its own for each session would be set and stopped with every command.
    """
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(TICK)
        for session in list(services.sessions):
            try:
                session.check_time(loop.time())
            except Exception as error:
                log.error("relay.watch_fault", exc_info=error)
