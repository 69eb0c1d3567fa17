"""The engine and the ways mail takes: from which address, held back by whom, two workers at one server."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from platform_core.mail.states import RecipientState
from platform_core.settings import Settings
from platform_dev.redis import EmbeddedRedis
from relay_worker.addresses.chooser import IPV4, Landing, NoSource, Source
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.delivery import engine as engine_module
from relay_worker.delivery.engine import Engine
from relay_worker.delivery.lanes import keeper as keeper_module
from relay_worker.delivery.lanes.shared_permits import SharedPermits
from relay_worker.delivery.lanes.sites import lane_of
from relay_worker.delivery.surroundings import Surroundings
from relay_worker.queue.claims import Claimed
from relay_worker.submission.shared import SharedMemory
from tests.relay_worker.delivery.factories import InMemoryClaims, message_to, recipient
from tests.relay_worker.delivery.traffic_desk import InMemoryTrafficDesk, rule
from tests.relay_worker.scripted_mx import Script, ScriptedMx

pytestmark = pytest.mark.usefixtures("under_uvloop")

MakeSettings = Callable[..., Settings]
SOURCE = Source(7, "127.0.0.3", "mta7.test")


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LINGER_SECONDS", 0.3)


@dataclass
class Chooser:
    """`SourceChooser` that always says the same."""

    answer: Source | NoSource | None
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    landings: list[tuple[Source, str, Landing, int]] = field(default_factory=list)
    closed: bool = False

    def choose(
        self,
        claimed: Claimed,
        site: str,
        provider: str,
        *,
        count: int = 1,
        versions: Collection[int] = IPV4,
    ) -> Source | NoSource | None:
        self.asked.append((site, provider, count))
        return self.answer

    def elsewhere(self, claimed: Claimed) -> int | None:
        return None

    def here(self) -> Sequence[int]:
        return ()

    def landed(self, source: Source, provider: str, outcome: Landing, count: int) -> None:
        self.landings.append((source, provider, outcome, count))

    async def refresh(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True


def drain(
    settings: Settings, claims: InMemoryClaims, around: Surroundings, script: Script | None = None
) -> ScriptedMx:
    """Drain the queue with one server for all domains, by its route."""

    async def main() -> ScriptedMx:
        async with ScriptedMx(script) as mx:
            changed = settings.model_copy(update={"delivery_smart_host": f"127.0.0.1:{mx.port}"})
            engine = Engine(changed, claims, around)
            await engine.run(time.monotonic() + 10)
            await engine.close(0.1)
            return mx

    return asyncio.run(main())


def test_mail_leaves_from_the_address_that_was_chosen_and_says_its_name(make_settings: MakeSettings) -> None:
    claims, chooser = InMemoryClaims(message_to("a@one.test", "b@one.test")), Chooser(SOURCE)
    mx = drain(make_settings(), claims, Surroundings(sources=chooser))
    assert mx.peers == ["127.0.0.3"]
    assert "EHLO mta7.test" in mx.commands
    assert {result.source_address for result in claims.results} == {"127.0.0.3"}
    assert chooser.asked == [(f"127.0.0.1:{mx.port}", "operator", 2)]
    assert chooser.landings == [(SOURCE, "operator", Landing.DELIVERED, 1)] * 2
    assert chooser.closed


def test_what_no_address_may_send_waits_until_one_may(make_settings: MakeSettings) -> None:
    until = datetime.now(UTC) + timedelta(minutes=7)
    claimed = recipient()
    claims = InMemoryClaims([claimed])
    mx = drain(make_settings(), claims, Surroundings(sources=Chooser(NoSource(until))))
    assert claims.postponed == [((claimed.message_id, 0), until)]
    assert (claims.results, mx.connections) == ([], 0)


def test_a_refusal_is_recorded_with_its_class_and_told_to_the_chooser(make_settings: MakeSettings) -> None:
    claims, chooser = InMemoryClaims([recipient()]), Chooser(SOURCE)
    script = Script(replies={"RCPT": "550 5.1.1 no such user here"})
    drain(make_settings(), claims, Surroundings(sources=chooser), script)
    assert claims.results[0].outcome_class == "no_such_address"
    assert [landing[2] for landing in chooser.landings] == [Landing.BOUNCED]


def test_an_address_that_is_not_on_this_machine_is_our_fault_and_not_the_customers(
    make_settings: MakeSettings,
) -> None:
    claims, chooser = InMemoryClaims([recipient()]), Chooser(replace(SOURCE, address="192.0.2.7"))
    drain(make_settings(), claims, Surroundings(sources=chooser))
    (result,) = claims.results
    assert (result.state, result.outcome_class) == (RecipientState.DEFERRED, OutcomeClass.INTERNAL)
    assert "192.0.2.7" not in result.reply_text
    assert [landing[2] for landing in chooser.landings] == [Landing.UNSENT]


def test_what_could_never_be_sent_has_run_out_of_time_and_nobodys_mailbox_is_full(
    make_settings: MakeSettings,
) -> None:
    now = datetime.now(UTC)
    claims = InMemoryClaims([recipient(expires_at=now)])
    drain(make_settings(), claims, Surroundings(sources=Chooser(NoSource(now + timedelta(hours=1)))))
    (result,) = claims.results
    assert (result.state, result.outcome_class) == (RecipientState.EXPIRED, OutcomeClass.EXPIRED)


def test_a_time_named_in_a_deferral_is_when_it_is_tried_again(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient()])
    script = Script(replies={"RCPT": "450 4.7.1 greylisted, please try again in 1200 seconds"})
    drain(make_settings(), claims, Surroundings(), script)
    (result,) = claims.results
    assert result.next_at is not None
    assert timedelta(seconds=1200) <= result.next_at - result.at <= timedelta(seconds=1440)


CLOSED = Script(replies={"GREETING": "421 4.7.0 try again in 600 seconds"})


def test_mail_whose_time_is_up_while_its_lane_is_closed_expires(make_settings: MakeSettings) -> None:
    earlier, later = sorted(recipient().message_id for _ in range(2))
    over = datetime.now(UTC) - timedelta(seconds=1)
    late = recipient("late@one.test", message_id=later, expires_at=over)
    claims = InMemoryClaims([recipient("first@one.test", message_id=earlier), late])
    drain(make_settings(), claims, Surroundings(), CLOSED)
    states = {result.state: result.enhanced_code for result in claims.results}
    assert states == {RecipientState.DEFERRED: "4.7.0", RecipientState.EXPIRED: "4.4.7"}


def test_nothing_more_is_claimed_for_a_lane_that_is_closed(make_settings: MakeSettings) -> None:
    mail = [recipient(f"u{n}@one.test") for n in range(40)]
    claims = InMemoryClaims(mail)
    mx = drain(make_settings(delivery_claim=5, delivery_in_flight=10), claims, Surroundings(), CLOSED)
    assert mx.connections == 1
    assert (len(claims.results), len(claims.postponed), len(claims.due)) == (1, 4, 35)
    assert claims.excluded[-1] == [mail[0].lane]


def test_what_a_worker_holds_of_a_lane_that_staff_pause_is_put_back(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(keeper_module, "READ_SECONDS", 0.05)
    claims, desk = InMemoryClaims([recipient(f"u{n}@one.test") for n in range(5)]), InMemoryTrafficDesk()

    async def main() -> None:
        async with ScriptedMx(Script(delays={"FINAL": 1.5})) as mx:
            settings = make_settings(
                delivery_smart_host=f"127.0.0.1:{mx.port}", delivery_connections_per_destination=1
            )
            engine = Engine(settings, claims, Surroundings(traffic=desk))
            running = asyncio.create_task(engine.run(time.monotonic() + 10))
            while "DATA" not in mx.verbs:
                await asyncio.sleep(0.01)
            desk.paused.add(lane_of(f"127.0.0.1:{mx.port}"))
            await running
            await engine.close(0.1)

    asyncio.run(main())
    assert (len(claims.results), len(claims.postponed)) == (1, 4)


def test_a_provider_whose_rule_requires_tls_gets_nothing_in_clear(make_settings: MakeSettings) -> None:
    claims = InMemoryClaims([recipient()])
    desk = InMemoryTrafficDesk([rule("strict", "127.0.0.1", requires_tls=True)])
    mx = drain(make_settings(), claims, Surroundings(traffic=desk))
    assert mx.delivered == []
    assert "TLS is required by the provider" in claims.results[0].reply_text


def test_two_workers_share_the_connections_of_a_server_through_redis(
    make_settings: MakeSettings, redis_server: EmbeddedRedis
) -> None:
    queues = [InMemoryClaims([recipient(f"u{n}@one.test") for n in range(60)]) for _ in range(2)]

    async def main() -> ScriptedMx:
        async with (
            ScriptedMx(Script(delays={"FINAL": 0.02})) as mx,
            Redis.from_url(redis_server.url()) as redis,
        ):
            await redis.flushall()
            settings = make_settings(delivery_smart_host=f"127.0.0.1:{mx.port}")
            desk = InMemoryTrafficDesk([rule("ours", "127.0.0.1", connections=3)])
            engines = [
                Engine(
                    settings, claims, Surroundings(traffic=desk, permits=SharedPermits(SharedMemory(redis)))
                )
                for claims in queues
            ]
            await asyncio.gather(*(engine.run(time.monotonic() + 20) for engine in engines))
            for engine in engines:
                await engine.close(0.1)
            return mx

    mx = asyncio.run(main())
    assert mx.most_open == 3
    assert [len(claims.results) for claims in queues] == [60, 60]
