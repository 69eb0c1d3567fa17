"""A deadline that moves."""

import asyncio
from collections.abc import Awaitable, Callable

from relay_worker.delivery.timer import LazyTimer


def fired(scene: Callable[[LazyTimer], Awaitable[None]]) -> int:
    """How often the timer called back."""
    calls: list[None] = []

    async def main() -> None:
        timer = LazyTimer(asyncio.get_running_loop(), lambda: calls.append(None))
        await scene(timer)
        timer.close()

    asyncio.run(main())
    return len(calls)


def test_it_calls_back_once_when_the_deadline_has_passed() -> None:
    async def scene(timer: LazyTimer) -> None:
        timer.start(0.02)
        await asyncio.sleep(0.1)

    assert fired(scene) == 1


def test_a_deadline_moved_later_is_kept() -> None:
    async def scene(timer: LazyTimer) -> None:
        timer.start(0.02)
        timer.start(60)
        await asyncio.sleep(0.1)

    assert fired(scene) == 0


def test_a_deadline_moved_nearer_is_kept() -> None:
    async def scene(timer: LazyTimer) -> None:
        timer.start(60)
        timer.start(0.02)
        await asyncio.sleep(0.1)

    assert fired(scene) == 1


def test_a_stopped_timer_does_not_call_and_can_start_again() -> None:
    async def scene(timer: LazyTimer) -> None:
        timer.start(0.02)
        timer.stop()
        await asyncio.sleep(0.05)
        timer.start(0.02)
        await asyncio.sleep(0.1)

    assert fired(scene) == 1
