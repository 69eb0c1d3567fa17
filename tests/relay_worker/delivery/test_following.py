"""The next message's envelope goes out behind the message that is under way, where the server is up to it."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from relay_worker.delivery.client import Manners
from relay_worker.delivery.connector import Connector
from relay_worker.delivery.lanes.limits import LaneLimits
from relay_worker.delivery.transaction import INTERNAL_FAULT, Transaction
from tests.relay_worker.delivery.factories import transaction_to
from tests.relay_worker.delivery.harbour import Harbour, Settled, to
from tests.relay_worker.scripted_mx import DROP, SILENCE, Script, ScriptedMx

ADDRESSES = tuple(f"u{number}@x.test" for number in range(6))
BY_STEPS = ("8BITMIME", "SIZE 1000000")


def send_all(
    script: Script, *, messages: int = 100, wait: float = 2, instead: Mapping[str, Transaction] | None = None
) -> tuple[ScriptedMx, Settled]:
    """One message to each address (or this one `instead`), over one connection as long as the server keeps it."""

    async def main() -> tuple[ScriptedMx, Settled]:
        settled = Settled()
        connector = Connector(Manners("mta.test", wait, wait, wait), verify_tls=False, rng=random.Random(1))
        lanes = Harbour.build(
            connector, settled, settled.put_back, limits=LaneLimits(1, messages, 0.2), slots=5
        )
        try:
            async with ScriptedMx(script) as mx:
                mail = [(instead or {}).get(address) or transaction_to(address) for address in ADDRESSES]
                for transaction in mail:
                    lanes.put(to(mx), transaction)
                await settled.have(sum(len(transaction.recipients) for transaction in mail))
                return mx, settled
        finally:
            await lanes.close()

    return asyncio.run(main())


def taken(mx: ScriptedMx) -> list[str]:
    return sorted(address for message in mx.delivered for address in message.rcpt_to)


@pytest.mark.parametrize("extensions", [("PIPELINING",), BY_STEPS])
def test_all_arrive_once_and_in_turn(extensions: tuple[str, ...]) -> None:
    mx, settled = send_all(Script(extensions=extensions))
    assert [message.rcpt_to for message in mx.delivered] == [(address,) for address in ADDRESSES]
    assert settled.codes == {250}
    assert mx.connections == 1


def test_a_refused_message_takes_nothing_from_the_next_one() -> None:
    mx, settled = send_all(
        Script(replies={"FINAL": ["250 ok", "554 5.7.1 spam", "250 ok", "451 4.3.0 full"]})
    )
    assert taken(mx) == [ADDRESSES[0], ADDRESSES[2], ADDRESSES[4], ADDRESSES[5]]
    assert [settled.answers[address].reply.code for address in ADDRESSES] == [250, 554, 250, 451, 250, 250]


def test_a_refused_recipient_takes_nothing_from_the_next_message() -> None:
    mx, settled = send_all(Script(recipients={ADDRESSES[2]: "550 5.1.1 no such user"}))
    assert taken(mx) == [address for address in ADDRESSES if address != ADDRESSES[2]]
    assert settled.answers[ADDRESSES[2]].reply.code == 550


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(replies={"FINAL": ["250 ok", "250 ok" + DROP]}), id="closes after a message"),
        pytest.param(Script(replies={"MAIL": ["250 ok", "250 ok", DROP]}), id="closes at the next"),
        pytest.param(Script(messages_per_connection=2), id="421 after so many"),
    ],
)
def test_what_was_begun_on_a_connection_that_ended_arrives_on_another(script: Script) -> None:
    mx, settled = send_all(script)
    assert taken(mx) == sorted(ADDRESSES)
    assert settled.codes == {250}
    assert mx.connections > 1


def test_what_was_begun_is_not_answered_for_the_silence_about_the_message_before_it() -> None:
    mx, settled = send_all(Script(replies={"FINAL": ["250 ok", SILENCE]}), wait=0.3)
    assert settled.answers[ADDRESSES[1]].reply.code == 451
    assert taken(mx) == sorted(address for address in ADDRESSES if address != ADDRESSES[1])


def test_no_more_is_begun_than_a_connection_may_carry() -> None:
    mx, settled = send_all(Script(), messages=2)
    assert (mx.connections, settled.codes) == (3, {250})
    assert mx.verbs.count("MAIL") == len(ADDRESSES)


def test_where_the_server_asks_us_to_wait_what_was_begun_waits_like_the_rest() -> None:
    mx, settled = send_all(
        Script(replies={"FINAL": ["250 ok", "421 4.7.0 too much mail, try again in 300 seconds"]})
    )
    assert taken(mx) == [ADDRESSES[0]]
    assert settled.answers[ADDRESSES[1]].reply.code == 421
    assert sorted(settled.postponed) == sorted(ADDRESSES[2:])


def test_a_message_that_nobody_can_make_fit_takes_nothing_from_the_one_it_goes_behind() -> None:
    # The library's parser falls over this way to name a charset (RFC 2231), and without 8BITMIME it has to be asked.
    content = b"Content-Type: text/plain; charset*=utf-8''utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    unfit = transaction_to(ADDRESSES[2], content=content)
    unfit = replace(unfit, message=replace(unfit.message, body_8bit=True))
    mx, settled = send_all(Script(extensions=("PIPELINING",)), instead={ADDRESSES[2]: unfit})
    assert taken(mx) == [address for address in ADDRESSES if address != ADDRESSES[2]]
    assert settled.answers[ADDRESSES[2]].reply == INTERNAL_FAULT.reply
    assert mx.connections == 1


def test_one_reply_too_many_is_not_taken_for_an_answer_to_what_was_begun() -> None:
    script = Script(
        replies={"FINAL": ["250 ok", "250 2.1.5 ok\r\n250 2.1.5 ok"]},
        recipients={"gone@x.test": "550 5.1.1 no such user"},
    )
    mx, settled = send_all(script, instead={ADDRESSES[2]: transaction_to(ADDRESSES[2], "gone@x.test")})
    assert taken(mx) == sorted(ADDRESSES)
    assert settled.answers["gone@x.test"].reply.code == 550
    assert {settled.answers[address].reply.code for address in ADDRESSES} == {250}


def test_a_refusal_at_data_of_what_was_begun_is_believed_when_it_is_said_again() -> None:
    refusal = "554 5.7.1 not today"
    mx, settled = send_all(Script(replies={"DATA": ["354 go on"] * 2 + [refusal] * 2}))
    assert [settled.answers[address].reply.code for address in ADDRESSES] == [250, 250, 554, 250, 250, 250]
    assert mx.connections == 2
