"""Redis as shared memory: what a session does while it does not answer."""

import asyncio
import socket
import time

from redis.asyncio import Redis
from structlog.testing import capture_logs

from relay_worker.submission.shared import SharedMemory


def test_a_redis_that_falls_silent_is_told_once_and_keeps_nobody_waiting() -> None:
    async def ask_a_silent_one() -> list[object]:
        with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
            redis = Redis(port=silent.getsockname()[1])
            memory = SharedMemory(redis)
            answers = await asyncio.gather(*(memory.ask(lambda pipeline: pipeline.ping()) for _ in range(20)))
            await redis.aclose()
            return answers

    started = time.monotonic()
    with capture_logs() as told:
        answers = asyncio.run(ask_a_silent_one())
    assert answers == [None] * 20
    assert time.monotonic() - started < 2
    assert [line["event"] for line in told] == ["relay.redis_unreachable"]
