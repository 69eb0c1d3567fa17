"""One connection and its transactions, against a server that does as scripted."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay_worker.delivery.client import Manners
from relay_worker.delivery.connector import Connector, NoServer
from relay_worker.delivery.destination import Destination, MailServer
from relay_worker.delivery.transaction import Answer, Stage, Transaction
from tests.relay_worker.delivery.factories import transaction_to
from tests.relay_worker.scripted_mx import DROP, SILENCE, Script, ScriptedMx

pytestmark = pytest.mark.usefixtures("under_either_loop")

TWO = ("a@x.test", "b@x.test")


def connector(seconds: float = 2, *, verify_tls: bool = False) -> Connector:
    manners = Manners("mta.test", seconds, seconds, seconds)
    return Connector(manners, verify_tls=verify_tls, rng=random.Random(1))


def to(*servers: ScriptedMx) -> Destination:
    groups = tuple((MailServer(f"mx{n}.test", mx.address, mx.port),) for n, mx in enumerate(servers))
    return Destination("x.test", groups)


def talk(
    script: Script, *transactions: Transaction, seconds: float = 2
) -> tuple[ScriptedMx, list[list[Answer]]]:
    """Send the transactions one after another over one connection."""

    async def main() -> tuple[ScriptedMx, list[list[Answer]]]:
        async with ScriptedMx(script) as mx:
            conversation = await connector(seconds).connect(to(mx))
            answers = [await conversation.send(transaction, time.monotonic()) for transaction in transactions]
            conversation.quit()
            await asyncio.sleep(0.02)
            return mx, answers

    return asyncio.run(main())


def refused(*scripts: Script, seconds: float = 2) -> Answer:
    """What is said when no server takes the connection."""

    async def main() -> Answer:
        async with AsyncExitStack() as stack:
            servers = [await stack.enter_async_context(ScriptedMx(script)) for script in scripts]
            with pytest.raises(NoServer) as failure:
                await connector(seconds).connect(to(*servers))
            return failure.value.answer

    return asyncio.run(main())


def said(answers: list[Answer]) -> list[tuple[int, str, Stage]]:
    return [(answer.reply.code, answer.reply.enhanced, answer.stage) for answer in answers]


# --- the way through ---


@pytest.mark.parametrize("extensions", [("PIPELINING", "SIZE 1000"), ("SIZE 1000",), ()])
def test_a_message_arrives_with_and_without_pipelining(extensions: tuple[str, ...]) -> None:
    mx, ((answer, _),) = talk(Script(extensions=("X-NONE", *extensions)), transaction_to(*TWO))
    assert mx.delivered[0].rcpt_to == TWO
    assert mx.delivered[0].content == b"Subject: Hello\r\n\r\nHello\r\n"
    assert (answer.reply.code, answer.stage, answer.shared) == (250, Stage.FINAL, 2)


def test_we_say_the_name_that_was_set_and_take_leave() -> None:
    mx, _ = talk(Script(), transaction_to("a@x.test"))
    assert mx.commands[0] == "EHLO mta.test"
    assert mx.verbs[-1] == "QUIT"


def test_a_server_that_knows_only_helo_gets_its_mail() -> None:
    mx, _ = talk(Script(replies={"EHLO": "502 5.5.1 what?"}), transaction_to("a@x.test"))
    assert mx.delivered[0].mail_command == "MAIL FROM:<b-1@bounce.shop.test>"
    assert mx.verbs == ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "QUIT"]


def test_several_messages_share_one_connection() -> None:
    mx, _ = talk(Script(), *(transaction_to(f"u{n}@x.test") for n in range(3)))
    assert (len(mx.delivered), mx.connections) == (3, 1)


def test_a_large_message_arrives_whole() -> None:
    content = b"Subject: large\r\n\r\n" + b"line of text\r\n" * 200_000
    mx, ((answer,),) = talk(Script(extensions=("PIPELINING",)), transaction_to("a@x.test", content=content))
    assert mx.delivered[0].content == content
    assert answer.reply.code == 250


def test_an_answer_tells_server_and_duration() -> None:
    _, ((answer,),) = talk(Script(delays={"FINAL": 0.05}), transaction_to("a@x.test"))
    assert (answer.remote_host, answer.remote_address, answer.tls_version) == ("mx0.test", "127.0.0.1", "")
    assert answer.duration_ms >= 50


# --- parameters ---


def test_size_and_body_are_said_to_a_server_that_knows_them() -> None:
    transaction = transaction_to("a@x.test")
    eight_bit = replace(transaction, message=replace(transaction.message, body_8bit=True))
    mx, _ = talk(Script(), eight_bit)
    assert mx.delivered[0].mail_command.endswith("> SIZE=25 BODY=8BITMIME")


def test_a_message_larger_than_the_server_takes_is_not_offered() -> None:
    mx, (answers,) = talk(Script(extensions=("SIZE 10",)), transaction_to("a@x.test"))
    assert said(answers) == [(552, "5.3.4", Stage.MAIL)]
    assert "MAIL" not in mx.verbs


def test_an_international_address_goes_to_a_server_with_smtputf8() -> None:
    mx, _ = talk(Script(), transaction_to("grüße@x.test"))
    assert mx.delivered[0].rcpt_to == ("grüße@x.test",)
    assert mx.delivered[0].mail_command.endswith(" SMTPUTF8")


def test_an_international_address_fails_without_smtputf8() -> None:
    _, (answers,) = talk(Script(extensions=("PIPELINING",)), transaction_to("grüße@x.test"))
    assert said(answers) == [(553, "5.6.7", Stage.MAIL)]


def test_an_address_cannot_smuggle_a_command() -> None:
    mx, (answers,) = talk(Script(), transaction_to("a@x.test>\r\nRCPT TO:<b@x.test"))
    assert said(answers) == [(553, "5.1.3", Stage.MAIL)]
    assert "RCPT" not in mx.verbs


# --- refusals, with and without pipelining ---

EITHER_WAY = pytest.mark.parametrize(
    "extensions", [("PIPELINING",), ("X-NONE",)], ids=["at once", "by steps"]
)


@EITHER_WAY
@pytest.mark.parametrize("reply", ["450 4.7.1 later", "550 5.7.1 never"])
def test_a_refused_sender_is_answered_to_all(extensions: tuple[str, ...], reply: str) -> None:
    _, (answers,) = talk(Script(extensions, replies={"MAIL": reply}), transaction_to(*TWO))
    assert {(answer.reply.line(), answer.stage) for answer in answers} == {(reply, Stage.MAIL)}


@EITHER_WAY
def test_each_recipient_gets_its_own_answer(extensions: tuple[str, ...]) -> None:
    script = Script(extensions, recipients={"a@x.test": "550 5.1.1 no"})
    mx, (answers,) = talk(script, transaction_to(*TWO))
    assert said(answers) == [(550, "5.1.1", Stage.RCPT), (250, "2.0.0", Stage.FINAL)]
    assert [answer.shared for answer in answers] == [1, 1]
    assert mx.delivered[0].rcpt_to == ("b@x.test",)


@EITHER_WAY
def test_nothing_is_sent_when_every_recipient_is_refused(extensions: tuple[str, ...]) -> None:
    script = Script(extensions, replies={"RCPT": "450 4.2.1 greylisted"})
    mx, (answers, again) = talk(script, transaction_to(*TWO), transaction_to(*TWO))
    assert said(answers) == said(again) == [(450, "4.2.1", Stage.RCPT)] * 2
    assert mx.delivered == []


def test_a_server_that_wants_a_message_for_nobody_gets_an_empty_one() -> None:
    script = Script(replies={"RCPT": ["550 5.1.1 no"], "DATA": ["354 go on"]})
    mx, (answers, again) = talk(script, transaction_to("a@x.test"), transaction_to("b@x.test"))
    assert said(answers) == [(550, "5.1.1", Stage.RCPT)]
    assert said(again) == [(250, "2.0.0", Stage.FINAL)]
    assert len(mx.delivered) == 1


@EITHER_WAY
def test_a_refused_data_is_answered_to_the_accepted_and_the_connection_goes_on(
    extensions: tuple[str, ...],
) -> None:
    script = Script(extensions, replies={"DATA": ["451 4.3.2 not now"]})
    mx, (answers, again) = talk(script, transaction_to("a@x.test"), transaction_to("b@x.test"))
    assert said(answers) == [(451, "4.3.2", Stage.DATA)]
    assert said(again) == [(250, "2.0.0", Stage.FINAL)]
    assert "RSET" in mx.verbs


@EITHER_WAY
def test_the_reply_to_the_final_dot_counts_for_all_accepted(extensions: tuple[str, ...]) -> None:
    script = Script(extensions, replies={"FINAL": "554 5.7.1 spam"})
    _, (answers,) = talk(script, transaction_to(*TWO))
    assert said(answers) == [(554, "5.7.1", Stage.FINAL)] * 2
    assert answers[0].shared == 2


def test_a_2xx_to_data_promises_nothing() -> None:
    _, (answers,) = talk(Script(replies={"DATA": "250 2.0.0 sure"}), transaction_to("a@x.test"))
    assert answers[0].reply.code == 451


def test_a_3xx_to_the_final_dot_promises_nothing() -> None:
    _, (answers,) = talk(Script(replies={"FINAL": "354 go on"}), transaction_to("a@x.test"))
    assert answers[0].reply.code == 451


# --- servers that go away ---


@EITHER_WAY
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "BODY", "FINAL"])
def test_a_connection_that_ends_early_defers(extensions: tuple[str, ...], verb: str) -> None:
    _, (answers,) = talk(Script(extensions, replies={verb: DROP}), transaction_to(*TWO))
    assert {(answer.reply.code, answer.reply.enhanced) for answer in answers} == {(451, "4.4.2")}


def test_a_refusal_heard_before_the_connection_ended_stands() -> None:
    script = Script(recipients={"a@x.test": "550 5.1.1 no", "b@x.test": DROP})
    _, (answers,) = talk(script, transaction_to(*TWO))
    assert said(answers) == [(550, "5.1.1", Stage.RCPT), (451, "4.4.2", Stage.RCPT)]


@EITHER_WAY
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "FINAL"])
def test_a_421_at_any_point_is_what_the_undecided_are_answered(
    extensions: tuple[str, ...], verb: str
) -> None:
    script = Script(extensions, replies={verb: "421 4.3.2 going down"})
    _, (answers,) = talk(script, transaction_to("a@x.test"))
    assert (answers[0].reply.code, answers[0].reply.text) == (421, "going down")


def test_an_end_after_the_message_says_that_it_may_have_arrived() -> None:
    _, (answers,) = talk(Script(replies={"FINAL": DROP}), transaction_to("a@x.test"))
    assert "may have been delivered" in answers[0].reply.text


@pytest.mark.parametrize("verb", ["MAIL", "DATA"])
def test_an_end_before_the_message_does_not_say_so(verb: str) -> None:
    _, (answers,) = talk(Script(replies={verb: DROP}), transaction_to("a@x.test"))
    assert "may have been delivered" not in answers[0].reply.text


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "FINAL"])
def test_a_server_that_falls_silent_is_given_up(verb: str) -> None:
    _, (answers,) = talk(Script(replies={verb: SILENCE}), transaction_to("a@x.test"), seconds=0.2)
    assert (answers[0].reply.code, answers[0].reply.enhanced) == (451, "4.4.2")
    assert "in time" in answers[0].reply.text


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "FINAL"])
def test_garbage_for_a_reply_defers(verb: str) -> None:
    _, (answers,) = talk(Script(replies={verb: "\x00\x01 what is this"}), transaction_to("a@x.test"))
    assert (answers[0].reply.code, answers[0].reply.enhanced) == (451, "4.5.0")


def test_a_reply_too_many_never_counts_for_the_next_command() -> None:
    script = Script(replies={"DATA": ["354 go on\r\n250 2.0.0 taken, honestly"]})
    _, (answers,) = talk(script, transaction_to("a@x.test"))
    assert answers[0].reply.code == 451


REPLIES = st.sampled_from(
    [
        "250 2.0.0 ok",
        "354 go on",
        "450 4.2.0 later",
        "550 5.1.1 no",
        "421 4.3.2 bye",
        "garbage",
        "250-a\r\n250 b",
        DROP,
    ]
)


@settings(max_examples=60)
@given(
    st.booleans(),
    st.dictionaries(st.sampled_from(["MAIL", "RCPT", "DATA", "FINAL"]), st.lists(REPLIES, max_size=4)),
)
def test_whatever_the_server_says_a_recipient_is_delivered_only_when_it_took_the_message(
    pipelining: bool, replies: dict[str, list[str]]
) -> None:
    script = Script(("PIPELINING",) if pipelining else ("X-NONE",), replies=dict(replies))
    transactions = [transaction_to(*(f"u{t}-{r}@x.test" for r in range(2))) for t in range(2)]
    mx, answers = talk(script, *transactions)
    taken = {address for item in mx.delivered for address in item.rcpt_to}
    for transaction, answered in zip(transactions, answers, strict=True):
        for recipient, answer in zip(transaction.recipients, answered, strict=True):
            assert (200 <= answer.reply.code < 300) == (recipient.rcpt_to in taken)


# --- connecting ---


def test_the_next_server_is_tried_when_one_does_not_listen() -> None:
    async def main() -> int:
        async with ScriptedMx() as closed:
            pass
        async with ScriptedMx() as second:
            await connector().connect(to(closed, second))
            return second.connections

    assert asyncio.run(main()) == 1


@pytest.mark.parametrize(
    "replies",
    [
        {"GREETING": "421 4.3.2 busy"},
        {"GREETING": "554 5.7.1 go away"},
        {"GREETING": DROP},
        {"GREETING": "garbage"},
        {"EHLO": "421 4.3.2 busy"},
        {"EHLO": DROP},
        {"EHLO": "550 no", "HELO": "550 no"},
    ],
)
def test_the_next_server_is_tried_when_one_does_not_greet(replies: dict[str, str | list[str]]) -> None:
    async def main() -> int:
        async with ScriptedMx(Script(replies=replies)) as first, ScriptedMx() as second:
            await connector().connect(to(first, second))
            return second.connections

    assert asyncio.run(main()) == 1


def test_a_server_found_dead_is_tried_last_for_a_while() -> None:
    async def main() -> tuple[int, int]:
        script = Script(replies={"GREETING": "421 4.3.2 busy"})
        async with ScriptedMx(script, "127.0.0.2") as first, ScriptedMx() as second:
            door = connector()
            for _ in range(3):
                await door.connect(to(first, second))
            return first.connections, second.connections

    assert asyncio.run(main()) == (1, 3)


def test_nobody_listening_defers() -> None:
    async def main() -> Answer:
        async with ScriptedMx() as closed:
            pass
        with pytest.raises(NoServer) as failure:
            await connector().connect(to(closed))
        return failure.value.answer

    answer = asyncio.run(main())
    assert said([answer]) == [(451, "4.4.1", Stage.CONNECT)]
    assert "refused" in answer.reply.text


def test_a_refusal_for_good_by_every_server_is_one() -> None:
    answer = refused(*[Script(replies={"GREETING": "554 5.7.1 go away"})] * 2)
    assert said([answer]) == [(554, "5.7.1", Stage.GREETING)]


def test_one_server_that_may_take_it_later_is_reason_to_wait() -> None:
    answer = refused(
        Script(replies={"GREETING": "421 4.3.2 busy"}), Script(replies={"GREETING": "554 5.7.1 go away"})
    )
    assert answer.reply.code == 421


def test_a_tarpit_before_the_greeting_is_left() -> None:
    answer = refused(Script(replies={"GREETING": SILENCE}), seconds=0.2)
    assert said([answer]) == [(451, "4.4.2", Stage.GREETING)]
