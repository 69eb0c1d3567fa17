"""The engine sends nothing to who was suppressed since the message was accepted."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from platform_core.mail.states import RecipientState
from platform_core.settings import Settings
from relay_worker.delivery.engine import Engine
from tests.relay_worker.delivery.factories import RAW, InMemoryClaims, message_to
from tests.relay_worker.scripted_mx import ScriptedMx

pytestmark = pytest.mark.usefixtures("under_uvloop")


def test_the_suppressed_recipient_is_dropped_and_the_others_get_the_message(
    make_settings: Callable[..., Settings],
) -> None:
    first, second = message_to("ann@example.test", "bob@example.test")
    # The bytes came with the recipient that is dropped.
    claims = InMemoryClaims([replace(first, suppressed=True), second], bodies={first.message_id: RAW})

    async def drain() -> ScriptedMx:
        async with ScriptedMx() as mx:
            engine = Engine(make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}"), claims)
            await engine.run(time.monotonic() + 1.5)
            await engine.close(0.1)
            return mx

    mx = asyncio.run(drain())
    assert [one.rcpt_to for one in mx.delivered] == [("bob@example.test",)]
    ended = {one.n: (one.state, one.outcome_class) for one in claims.results}
    assert ended[0] == (RecipientState.DROPPED, "suppressed")
    assert ended[1][0] is RecipientState.DELIVERED
