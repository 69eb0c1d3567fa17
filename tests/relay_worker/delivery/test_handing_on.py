"""What servers are handed that offer DSN, 8BITMIME or SMTPUTF8, and what those that don't."""

import email
from dataclasses import replace

import dkim
import pytest

from relay_worker.delivery.dkim import Signing, SigningKey
from relay_worker.delivery.transaction import Transaction
from tests.relay_worker.delivery.conftest import rsa_pem
from tests.relay_worker.delivery.factories import transaction_to
from tests.relay_worker.delivery.test_conversation import said, talk
from tests.relay_worker.delivery.test_dkim import publish
from tests.relay_worker.delivery.test_downgrade import packed
from tests.relay_worker.scripted_mx import Script, ScriptedMx

pytestmark = pytest.mark.usefixtures("under_either_loop")

OLD = Script(extensions=("PIPELINING",))


def asking(*addresses: str) -> Transaction:
    """A message whose sender wants to know about the first recipient only."""
    transaction = transaction_to(*addresses)
    first, *others = transaction.recipients
    first = replace(first, dsn="NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Me+2B1@x.test")
    asked = tuple(replace(one, envelope_id="QQ1", dsn_return="HDRS") for one in (first, *others))
    return replace(transaction, recipients=asked)


def international(raw: str, *addresses: str) -> Transaction:
    signing = Signing((SigningKey.from_pem("shop.test", "fp1", rsa_pem()),), 1_790_000_000)
    message = packed(raw.encode(), smtputf8=True, signing=signing)
    return replace(transaction_to(*addresses), message=message)


def recipients_said(mx: ScriptedMx) -> list[str]:
    return [command for command in mx.commands if command.startswith("RCPT")]


@pytest.mark.parametrize("pipelining", [("PIPELINING",), ()])
def test_a_server_with_dsn_is_told_what_the_sender_asks(pipelining: tuple[str, ...]) -> None:
    mx, ((answer, _),) = talk(Script(extensions=(*pipelining, "DSN")), asking("me@x.test", "b@x.test"))
    assert mx.delivered[0].mail_command == "MAIL FROM:<b-1@bounce.shop.test> RET=HDRS ENVID=QQ1"
    assert recipients_said(mx) == [
        "RCPT TO:<me@x.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Me+2B1@x.test",
        "RCPT TO:<b@x.test>",
    ]
    assert answer.reports


def test_a_server_without_dsn_is_told_nothing_of_it() -> None:
    mx, ((answer,),) = talk(OLD, asking("me@x.test"))
    assert mx.delivered[0].mail_command == "MAIL FROM:<b-1@bounce.shop.test>"
    assert recipients_said(mx) == ["RCPT TO:<me@x.test>"]
    assert not answer.reports


def test_a_server_with_dsn_hears_nothing_when_nothing_is_asked() -> None:
    mx, _ = talk(Script(extensions=("DSN",)), transaction_to("me@x.test"))
    assert mx.delivered[0].mail_command == "MAIL FROM:<b-1@bounce.shop.test>"
    assert recipients_said(mx) == ["RCPT TO:<me@x.test>"]


@pytest.mark.parametrize("offered", [("8BITMIME", "SIZE 9999"), ("SIZE 9999",)])
def test_what_arrives_at_any_server_is_whole_and_signed(offered: tuple[str, ...]) -> None:
    raw = "From: a@shop.test\r\nTo: b@x.test\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n.\r\n"
    mx, _ = talk(Script(extensions=offered), international(raw, "b@x.test"))
    (arrived,) = mx.delivered
    assert dkim.verify(arrived.content, dnsfunc=publish(rsa_pem()))
    assert email.message_from_bytes(arrived.content).get_payload(decode=True) == "Grüße\r\n.\r\n".encode()
    assert arrived.content.isascii() == ("8BITMIME" not in offered)
    assert f"SIZE={len(arrived.content)}" in arrived.mail_command


def test_a_header_beyond_ascii_arrives_without_smtputf8_all_the_same() -> None:
    raw = "From: Jörg <a@shop.test>\r\nTo: b@x.test\r\nSubject: Grüße\r\n\r\nHi\r\n"
    mx, ((answer,),) = talk(OLD, international(raw, "b@x.test"))
    assert answer.reply.code == 250
    assert mx.delivered[0].content.isascii()
    assert dkim.verify(mx.delivered[0].content, dnsfunc=publish(rsa_pem()))


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("From: a@shop.test\r\n\r\nHi\r\n", "jörg@x.test"),
        ("From: jörg@shop.test\r\n\r\nHi\r\n", "b@x.test"),
    ],
)
def test_an_address_beyond_ascii_bounces_without_smtputf8(raw: str, address: str) -> None:
    mx, (answers,) = talk(OLD, international(raw, address))
    assert [(code, enhanced) for code, enhanced, _ in said(answers)] == [(553, "5.6.7")]
    assert "MAIL" not in mx.verbs


def test_an_address_beyond_ascii_goes_where_smtputf8_is_offered() -> None:
    raw = "From: jörg@shop.test\r\nTo: jörg@x.test\r\n\r\nHi\r\n"
    mx, ((answer,),) = talk(Script(), international(raw, "jörg@x.test"))
    assert answer.reply.code == 250
    assert mx.delivered[0].mail_command.endswith(" SMTPUTF8")
    assert mx.delivered[0].content.endswith(raw.encode())
