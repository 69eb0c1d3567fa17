"""The engine over real sockets: what is claimed is sent, and what the remote said is recorded."""

import asyncio
import base64
import email
import random
import time
from collections.abc import Callable
from dataclasses import replace

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from platform_core.ids import AccountId, ResellerId
from platform_core.mail.states import BounceKind, RecipientState
from platform_core.security import Seal
from platform_core.settings import Settings
from relay_worker.delivery import engine as engine_module
from relay_worker.delivery.drain_report import DrainReport
from relay_worker.delivery.engine import Engine
from relay_worker.delivery.recorder import MOST_UNRECORDED
from relay_worker.queue.claims import SenderIdentity
from tests.relay_worker.delivery.factories import RAW, SENDER, InMemoryClaims, message_to, recipient
from tests.relay_worker.scripted_mx import DROP, SILENCE, Script, ScriptedMx

pytestmark = pytest.mark.usefixtures("under_uvloop")

MakeSettings = Callable[..., Settings]


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LINGER_SECONDS", 0.05)


async def drain(settings: Settings, claims: InMemoryClaims, seconds: float = 10) -> DrainReport:
    engine = Engine(settings, claims)
    try:
        return await engine.run(time.monotonic() + seconds)
    finally:
        await engine.close(0.1)


def drain_through(
    make_settings: MakeSettings, claims: InMemoryClaims, script: Script | None = None, **changes: object
) -> tuple[ScriptedMx, DrainReport]:
    """Drain the queue with one scripted server for all domains."""

    async def main() -> tuple[ScriptedMx, DrainReport]:
        async with ScriptedMx(script) as mx:
            settings = make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}", **changes)
            return mx, await drain(settings, claims)

    return asyncio.run(main())


def test_what_is_due_is_delivered_and_recorded(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient()])
    mx, report = drain_through(make_settings, claims)
    assert mx.delivered[0].content.endswith(RAW)
    assert mx.delivered[0].rcpt_to == ("you@example.test",)
    assert claims.results[0].state is RecipientState.DELIVERED
    assert (report.claimed, report.delivered, report.in_flight, report.ring_again) == (1, 1, 0, False)


def test_the_result_keeps_what_the_remote_said(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient()])
    drain_through(make_settings, claims, Script(replies={"FINAL": "250 2.6.0 queued as 4711"}))
    result = claims.results[0]
    assert (result.reply_code, result.enhanced_code, result.reply_text) == (250, "2.6.0", "queued as 4711")
    assert (result.remote_address, result.next_at, result.bounce_kind) == ("127.0.0.1", None, None)


def test_the_envelope_sender_is_a_return_path_of_the_sender(make_settings: MakeSettings) -> None:
    mx, _ = drain_through(make_settings, InMemoryClaims([recipient()]))
    assert mx.delivered[0].mail_command.startswith("MAIL FROM:<b-")
    assert "@bounce.shop.test>" in mx.delivered[0].mail_command


def test_a_message_without_envelope_sender_keeps_none(make_settings: MakeSettings) -> None:
    mx, _ = drain_through(make_settings, InMemoryClaims([recipient(mail_from="")]))
    assert mx.delivered[0].mail_command.startswith("MAIL FROM:<> ")


def test_recipients_at_one_domain_share_a_transaction(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims(message_to("a@one.test", "b@two.test", "c@one.test"))
    mx, _ = drain_through(make_settings, claims)
    assert sorted(item.rcpt_to for item in mx.delivered) == [("a@one.test", "c@one.test"), ("b@two.test",)]
    assert set(claims.states().values()) == {RecipientState.DELIVERED}


def test_each_recipient_gets_its_own_result(make_settings: MakeSettings) -> None:
    script = Script(recipients={"gone@one.test": "550 5.1.1 no", "busy@one.test": "450 4.2.0 later"})
    claims = InMemoryClaims(message_to("gone@one.test", "busy@one.test", "here@one.test"))
    drain_through(make_settings, claims, script)
    assert claims.states() == {
        0: RecipientState.BOUNCED,
        1: RecipientState.DEFERRED,
        2: RecipientState.DELIVERED,
    }
    kinds = {result.n: result.bounce_kind for result in claims.results}
    assert kinds == {0: BounceKind.HARD, 1: None, 2: None}


def test_more_than_a_hundred_recipients_are_spread_over_transactions(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims(message_to(*(f"u{n}@one.test" for n in range(150))))
    mx, report = drain_through(make_settings, claims)
    assert sorted(len(item.rcpt_to) for item in mx.delivered) == [50, 100]
    assert report.delivered == 150


def test_the_signature_verifies_where_the_message_arrives(
    make_settings: MakeSettings, rsa_key: bytes
) -> None:
    sealed = Seal(make_settings().secret_key.get_secret_value()).seal(rsa_key)
    claims = InMemoryClaims([recipient()], identity=replace(SENDER, sealed_key=sealed))
    mx, _ = drain_through(make_settings, claims)
    public = load_pem_private_key(rsa_key, None).public_key()
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    asked: list[bytes] = []

    def published(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record

    assert dkim.verify(mx.delivered[0].content, dnsfunc=published)
    assert asked == [b"fp1._domainkey.shop.test."]


def test_a_large_message_is_fetched_when_it_did_not_come_with_the_claim(make_settings: MakeSettings) -> None:
    claimed = recipient(raw=None)
    claims = InMemoryClaims([claimed], bodies={claimed.message_id: RAW})
    mx, _ = drain_through(make_settings, claims)
    assert mx.delivered[0].content.endswith(RAW)


def test_a_large_message_gives_each_recipient_a_link_of_its_own(make_settings: MakeSettings) -> None:
    raw = RAW + b"a line of an attachment\r\n.dots too\r\n" * 9_000
    asking = replace(SENDER, list_unsubscribe=True, tracking_host="t.agency.test")
    claims = InMemoryClaims(message_to("a@one.test", "b@one.test", "c@two.test", raw=raw), asking)
    mx, _ = drain_through(make_settings, claims)
    assert {one.rcpt_to for one in mx.delivered} == {("a@one.test",), ("b@one.test",), ("c@two.test",)}
    assert len({email.message_from_bytes(one.content)["List-Unsubscribe"] for one in mx.delivered}) == 3
    assert all(one.content.endswith(raw) for one in mx.delivered)


def test_a_message_that_cannot_be_built_is_deferred_as_our_fault(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient(raw=None), recipient("ok@example.test")])
    _, report = drain_through(make_settings, claims)
    faulty = next(result for result in claims.results if result.state is RecipientState.DEFERRED)
    assert (faulty.enhanced_code, faulty.next_at is not None) == ("4.3.0", True)
    assert report.delivered == 1


def test_results_outlast_a_database_that_is_away(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient()])

    async def main() -> DrainReport:
        async with ScriptedMx() as mx:
            draining = asyncio.create_task(
                drain(make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}"), claims)
            )
            while not mx.commands:
                await asyncio.sleep(0.001)
            claims.down = True
            await asyncio.sleep(0.4)
            assert not claims.results
            claims.down = False
            return await draining

    assert asyncio.run(main()).delivered == 1
    assert len(claims.results) == 1


def test_a_worker_that_ends_waits_for_its_database(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient()])

    async def main() -> None:
        async with ScriptedMx() as mx:
            engine = Engine(make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}"), claims)
            running = asyncio.create_task(engine.run(time.monotonic() + 10))
            while not mx.commands:
                await asyncio.sleep(0.001)
            claims.down = True
            while not mx.delivered:
                await asyncio.sleep(0.001)
            running.cancel()
            closing = asyncio.create_task(engine.close(0.1))
            await asyncio.sleep(2)
            claims.down = False
            await closing

    asyncio.run(main())
    assert [result.state for result in claims.results] == [RecipientState.DELIVERED]


def test_little_is_sent_that_cannot_be_recorded(make_settings: MakeSettings) -> None:
    """What a worker has sent and not recorded is sent again when it dies."""
    claims = InMemoryClaims([recipient() for _ in range(390)])

    async def main() -> tuple[int, ScriptedMx]:
        async with ScriptedMx() as mx:
            draining = asyncio.create_task(
                drain(make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}"), claims)
            )
            while not mx.delivered:
                await asyncio.sleep(0.001)
            claims.down = True
            await asyncio.sleep(0.5)
            unrecorded = len(mx.delivered) - len(claims.results)
            claims.down = False
            assert (await draining).delivered == 390
            return unrecorded, mx

    unrecorded, mx = asyncio.run(main())
    assert 0 < unrecorded <= MOST_UNRECORDED
    assert len(mx.delivered) == len(claims.results) == 390


def test_results_are_recorded_in_small_batches(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient() for _ in range(200)])
    drain_through(make_settings, claims)
    assert sum(claims.batches) == 200
    assert max(claims.batches) <= 100


def test_a_recipient_claimed_again_while_under_way_is_sent_once(make_settings: MakeSettings) -> None:
    claimed = recipient()
    claims = InMemoryClaims([claimed])

    async def main() -> ScriptedMx:
        async with ScriptedMx(Script(delays={"FINAL": 0.3})) as mx:
            draining = asyncio.create_task(
                drain(make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}"), claims)
            )
            while not mx.commands:
                await asyncio.sleep(0.001)
            claims.due.append(claimed)  # as after a lease that ran out
            await draining
            return mx

    assert len(asyncio.run(main()).delivered) == 1
    assert len(claims.results) == 1


def test_leases_are_renewed_while_a_remote_takes_its_time(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient()])
    script = Script(delays={"FINAL": 1.5})
    drain_through(make_settings, claims, script, delivery_lease_seconds=2)
    assert claims.renewed.count((claims.results[0].message_id, 0)) >= 1


def test_a_slow_destination_does_not_hold_up_another(make_settings: MakeSettings) -> None:
    slow_mail = [recipient(f"u{n}@slow.test") for n in range(60)]
    fast_mail = [recipient(f"u{n}@fast.test") for n in range(60)]
    claims = InMemoryClaims(slow_mail + fast_mail)

    async def main() -> int:
        async with ScriptedMx(Script(replies={"MAIL": SILENCE})) as slow, ScriptedMx() as fast:
            settings = make_settings(
                delivery_routes=f"slow.test=127.0.0.1:{slow.port},fast.test=127.0.0.1:{fast.port}",
                delivery_in_flight=80,
                delivery_claim=60,
            )
            engine = Engine(settings, claims)
            running = asyncio.create_task(engine.run(time.monotonic() + 20))
            while len(claims.results) < 60:
                await asyncio.sleep(0.01)
            taken = len(fast.delivered)
            running.cancel()
            await engine.close(0)
            return taken

    assert asyncio.run(asyncio.wait_for(main(), 10)) == 60


def test_the_run_ends_at_its_deadline_and_asks_to_be_rung_again(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "FINISH_SECONDS", 0.1)
    claims = InMemoryClaims([recipient() for _ in range(3)])

    async def main() -> DrainReport:
        async with ScriptedMx(Script(replies={"MAIL": SILENCE})) as mx:
            settings = make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}", delivery_command_seconds=60)
            return await drain(settings, claims, seconds=0.3)

    report = asyncio.run(main())
    assert (report.claimed, report.in_flight, report.ring_again) == (3, 3, True)


def test_the_next_run_goes_on_with_what_the_last_left_in_flight(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "FINISH_SECONDS", 0.05)
    claims = InMemoryClaims([recipient()])

    async def main() -> tuple[DrainReport, DrainReport]:
        async with ScriptedMx(Script(delays={"FINAL": 0.6})) as mx:
            engine = Engine(make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}"), claims)
            first = await engine.run(time.monotonic() + 0.2)
            second = await engine.run(time.monotonic() + 10)
            await engine.close(0.1)
            return first, second

    first, second = asyncio.run(main())
    assert (first.in_flight, second.delivered, second.claimed) == (1, 1, 0)


class StuckClaims(InMemoryClaims):
    """A queue in a database that takes a question and never answers, while `stuck`."""

    stuck = True

    async def sender(self, reseller_id: ResellerId, account_id: AccountId, domain: str) -> SenderIdentity:
        while self.stuck:
            await asyncio.sleep(0.01)
        return await super().sender(reseller_id, account_id, domain)


def test_what_a_run_that_is_broken_off_had_claimed_is_sent_when_it_is_claimed_again(
    make_settings: MakeSettings,
) -> None:
    mail = [recipient("a@one.test"), recipient("b@one.test")]
    claims = StuckClaims(list(mail))

    async def main() -> None:
        async with ScriptedMx() as mx:
            engine = Engine(make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}"), claims)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):  # the time that a job has
                    await engine.run(time.monotonic() + 10)
            claims.stuck, claims.due = False, list(mail)  # their leases have run out
            await engine.run(time.monotonic() + 1)
            await engine.close(0.1)

    asyncio.run(main())
    assert [result.state for result in claims.results] == [RecipientState.DELIVERED] * 2


def test_what_a_run_left_in_flight_keeps_its_lease_and_is_recorded_between_runs(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "FINISH_SECONDS", 0.05)
    claims = InMemoryClaims([recipient()])

    async def main() -> DrainReport:
        async with ScriptedMx(Script(delays={"FINAL": 1.5})) as mx:
            settings = make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}", delivery_lease_seconds=2)
            engine = Engine(settings, claims)
            report = await engine.run(time.monotonic() + 0.2)
            async with asyncio.timeout(10):
                while not claims.results:
                    await asyncio.sleep(0.01)
            await engine.close(0.1)
            return report

    assert asyncio.run(main()).in_flight == 1
    assert claims.results[0].state is RecipientState.DELIVERED
    assert claims.renewed.count((claims.results[0].message_id, 0)) >= 1


def test_closing_breaks_what_hangs_and_records_it(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient()])

    async def main() -> None:
        async with ScriptedMx(Script(replies={"FINAL": SILENCE})) as mx:
            engine = Engine(make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}"), claims)
            running = asyncio.create_task(engine.run(time.monotonic() + 60))
            while "DATA" not in mx.commands:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            await engine.close(0.1)
            running.cancel()

    asyncio.run(main())
    assert claims.results[0].state is RecipientState.DEFERRED
    assert "may have been delivered" in claims.results[0].reply_text


@pytest.mark.parametrize("seed", range(4))
def test_every_recipient_is_answered_or_put_back_once_by_a_server_full_of_faults(
    make_settings: MakeSettings, seed: int
) -> None:
    rng = random.Random(seed)
    faults = ["450 4.2.0 later", "550 5.1.1 no", "421 4.3.2 bye", "garbage", DROP]
    verbs = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "FINAL")
    fine = {"GREETING": "220 hello", "EHLO": "250-mx.test\r\n250 PIPELINING", "DATA": "354 go on"}
    script = Script(
        replies={
            verb: [rng.choice([*faults, *[fine.get(verb, "250 ok")] * 9]) for _ in range(200)]
            for verb in verbs
        }
    )
    mail = [message_to(*(f"u{n}@d{m % 3}.test" for n in range(m % 4 + 1))) for m in range(40)]
    claims = InMemoryClaims([claimed for message in mail for claimed in message])
    expected = sorted((str(claimed.message_id), claimed.n) for claimed in claims.due)
    mx, report = drain_through(make_settings, claims, script)
    answered = [(str(result.message_id), result.n) for result in claims.results]
    put_back = [(str(message_id), n) for (message_id, n), _ in claims.postponed]
    assert sorted(answered + put_back) == expected
    assert report.delivered == sum(len(item.rcpt_to) for item in mx.delivered)


def test_a_connection_dropped_at_any_step_defers(make_settings: MakeSettings) -> None:
    for verb in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "FINAL"):
        claims = InMemoryClaims([recipient()])
        drain_through(make_settings, claims, Script(replies={verb: DROP}))
        assert (verb, claims.results[0].state) == (verb, RecipientState.DEFERRED)
        assert claims.results[0].enhanced_code == "4.4.2"
