"""How much mail one address may bring us, and how often it may ask for addresses that are not there."""

from redis.asyncio.client import Pipeline

from relay_worker.submission.guesses import LocalCount, count_in_window
from relay_worker.submission.shared import SharedMemory, client_key


class InboundRate:
    """Counts within ten minutes, over all relay processes; without Redis each goes by its own count."""

    def __init__(self, shared: SharedMemory, *, messages: int, refusals: int) -> None:
        """`messages`, `refusals`: how many of each one address may have."""
        self._shared = shared
        self._messages = messages
        self._refusals = refusals
        self._local = LocalCount()

    async def blocked(self, client: str) -> bool:
        """True when this address has had its share. Counted afterwards, so that some more may come at one moment."""
        taken, refused = _taken(client), _refused(client)
        answer = await self._shared.ask(lambda pipeline: _read(pipeline, taken, refused))
        shared = [int(count or 0) for count in answer[0]] if answer else [0, 0]
        return (
            max(shared[0], self._local.get(taken)) >= self._messages
            or max(shared[1], self._local.get(refused)) >= self._refusals
        )

    async def took(self, client: str) -> None:
        await self._count(_taken(client))

    async def refused(self, client: str) -> None:
        await self._count(_refused(client))

    async def _count(self, key: str) -> None:
        self._local.add(key)
        await self._shared.ask(lambda pipeline: count_in_window(pipeline, key))


def _read(pipeline: Pipeline, *keys: str) -> None:
    pipeline.mget(keys)


def _taken(client: str) -> str:
    return f"relay:inbound:taken:{client_key(client)}"


def _refused(client: str) -> str:
    return f"relay:inbound:refused:{client_key(client)}"
