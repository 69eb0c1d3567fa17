"""Each misbehaviour of a mail server, through the whole engine: what becomes of the mail now, and in the end."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from platform_core.mail.states import RecipientState
from platform_core.settings import Settings
from platform_dev.ports import free_port
from relay_worker.delivery.engine import Engine
from relay_worker.queue.claims import Result
from tests.relay_worker.delivery.factories import InMemoryClaims, message_to
from tests.relay_worker.delivery.network.behaviours import BEHAVIOURS, DEFERRED, Behaviour
from tests.relay_worker.scripted_mx import Script, ScriptedMx

pytestmark = pytest.mark.usefixtures("under_uvloop")

MakeSettings = Callable[..., Settings]
ADDRESSES = ("a@x.test", "b@x.test")


async def attempt(settings: Settings, claims: InMemoryClaims) -> list[Result]:
    """One claim of what is due, by a worker of its own; the results of it."""
    claims.results.clear()
    engine = Engine(settings, claims)
    await engine.run(time.monotonic() + 20)
    await engine.close(0.1)
    return sorted(claims.results, key=lambda result: result.n)


def settings_for(behaviour: Behaviour, port: int, make_settings: MakeSettings) -> Settings:
    return make_settings(
        delivery_smart_host=f"127.0.0.1:{port}",
        delivery_connect_seconds=behaviour.seconds,
        delivery_command_seconds=behaviour.seconds,
        delivery_final_dot_seconds=behaviour.seconds,
    )


def copies(mx: ScriptedMx) -> Counter[str]:
    return Counter(address for message in mx.delivered for address in message.rcpt_to)


def script_of(behaviour: Behaviour, folder: Path) -> Script:
    script = deepcopy(behaviour.script)
    return replace(script, tls=behaviour.tls(folder)) if behaviour.tls else script


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_a_server_that(behaviour: Behaviour, make_settings: MakeSettings, tmp_path: Path) -> None:
    async def main() -> tuple[list[Result], list[Result], ScriptedMx]:
        mail = message_to(*ADDRESSES)
        async with ScriptedMx(script_of(behaviour, tmp_path)) as mx:
            settings = settings_for(behaviour, mx.port, make_settings)
            first = await attempt(settings, InMemoryClaims(mail))
            left = [
                replace(claimed, attempts=1, raw=mail[0].raw)
                for claimed, result in zip(mail, first, strict=True)
                if result.state is DEFERRED
            ]
            mx.script = mx.script if mx.script.greylist else Script()
            return first, await attempt(settings, InMemoryClaims(left)) if left else [], mx

    first, later, mx = asyncio.run(main())
    assert {(result.state, result.reply_code) for result in first} == {(behaviour.state, behaviour.code)}
    assert all(behaviour.says in result.reply_text for result in first)
    assert {bool(result.tls_version) for result in first} == {behaviour.secured}
    assert {result.state for result in later} <= {RecipientState.DELIVERED}
    assert copies(mx) == (dict.fromkeys(ADDRESSES, behaviour.copies) if behaviour.copies else {})


def test_a_server_that_is_not_there_defers(make_settings: MakeSettings) -> None:
    settings = make_settings(delivery_smart_host=f"127.0.0.1:{free_port()}")
    [result] = asyncio.run(attempt(settings, InMemoryClaims(message_to("a@x.test"))))
    assert (result.state, result.reply_code, result.enhanced_code) == (DEFERRED, 451, "4.4.1")
    assert result.next_at is not None


def test_a_server_that_ends_sessions_after_some_messages_gets_all(make_settings: MakeSettings) -> None:
    mail = [message_to(f"u{n}@x.test")[0] for n in range(20)]

    async def main() -> tuple[list[Result], ScriptedMx]:
        async with ScriptedMx(Script(messages_per_connection=3)) as mx:
            settings = make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}")
            return await attempt(settings, InMemoryClaims(mail)), mx

    results, mx = asyncio.run(main())
    assert {result.state for result in results} == {RecipientState.DELIVERED}
    assert set(copies(mx).values()) == {1} and len(copies(mx)) == 20
