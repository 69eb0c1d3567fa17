"""How often a password may be guessed, by one address and for one user name, counted over all relay processes."""

import time

from redis.asyncio.client import Pipeline

from relay_worker.submission.shared import SharedMemory, client_key

WINDOW = 600  # seconds from the first failure until counting begins anew
KNOWN_FOR = 30 * 86_400  # seconds an address counts as a user's own after a login
# In one step: a counter left without its end would shut somebody out for ever.
_COUNT = """
for _, key in ipairs(KEYS) do
  if redis.call("INCR", key) == 1 then redis.call("EXPIRE", key, ARGV[1]) end
end
"""
_MOST_COUNTED = 100_000  # addresses and user names that one process keeps count of


class LocalCount:
    """Failures per key within the window, of this process alone; what limits hold on to when Redis is gone."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, int]] = {}

    def get(self, key: str) -> int:
        until, count = self._counts.get(key, (0.0, 0))
        return count if time.monotonic() < until else 0

    def add(self, key: str) -> None:
        count = self.get(key)
        until = self._counts[key][0] if count else time.monotonic() + WINDOW
        self._counts[key] = (until, count + 1)
        if len(self._counts) > _MOST_COUNTED:
            self._counts.pop(next(iter(self._counts)))


class GuessLimit:
    """Counts failed logins. A user name is guarded against addresses it never logged in from only: an attacker who
    fails on purpose must not lock its owner out."""

    def __init__(self, shared: SharedMemory, *, per_address: int, per_user: int) -> None:
        self._shared = shared
        self._per_address = per_address
        self._per_user = per_user
        self._local = LocalCount()

    async def blocked(self, client: str, user_name: str) -> bool:
        """True when this address, or this user name from a foreign address, has failed too often.

        Checked before and counted after: connections that guess at the same moment may overshoot by their number.
        """
        by_address, by_user, known = _keys(client, user_name)
        answer = await self._shared.ask(lambda pipeline: _read(pipeline, by_address, by_user, known))
        address_count, user_count, is_known = answer[0] if answer else (None, None, None)
        if max(int(address_count or 0), self._local.get(by_address)) >= self._per_address:
            return True
        if is_known or self._local.get(known):
            return False
        return max(int(user_count or 0), self._local.get(by_user)) >= self._per_user

    async def failed(self, client: str, user_name: str) -> None:
        by_address, by_user, _ = _keys(client, user_name)
        self._local.add(by_address)
        self._local.add(by_user)
        await self._shared.ask(lambda pipeline: count_in_window(pipeline, by_address, by_user))

    async def succeeded(self, client: str, user_name: str) -> None:
        known = _keys(client, user_name)[2]
        self._local.add(known)
        await self._shared.ask(lambda pipeline: _remember(pipeline, known))


def _keys(client: str, user_name: str) -> tuple[str, str, str]:
    key = client_key(client)
    return f"relay:guesses:from:{key}", f"relay:guesses:to:{user_name}", f"relay:known:{key}:{user_name}"


def _read(pipeline: Pipeline, *keys: str) -> None:
    pipeline.mget(keys)


def count_in_window(pipeline: Pipeline, *keys: str) -> None:
    """One more for each key; the counts end with their window."""
    pipeline.eval(_COUNT, len(keys), *keys, WINDOW)


def _remember(pipeline: Pipeline, key: str) -> None:
    pipeline.set(key, 1, ex=KNOWN_FOR)
