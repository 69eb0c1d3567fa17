"""STARTTLS at a connection's beginning, against a server that does as scripted."""

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from relay_worker.delivery.connector import NoServer
from relay_worker.delivery.transaction import Answer, Stage
from tests.relay_worker.delivery.factories import transaction_to
from tests.relay_worker.delivery.test_conversation import TWO, connector, refused, said, talk, to
from tests.relay_worker.scripted_mx import DROP, SILENCE, Script, ScriptedMx

pytestmark = pytest.mark.usefixtures("under_either_loop")

OFFER = "250-mx.test\r\n250 STARTTLS"


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody vouches for."""
    return _self_signed(tmp_path)


def test_tls_is_used_where_offered_whatever_the_certificate(tls: ssl.SSLContext) -> None:
    mx, ((answer,),) = talk(Script(tls=tls), transaction_to("a@x.test"))
    assert mx.delivered[0].tls == answer.tls_version == "TLSv1.3"
    assert mx.verbs[:3] == ["EHLO", "STARTTLS", "EHLO"]


def test_a_server_whose_tls_is_broken_gets_its_mail_in_clear_and_is_remembered() -> None:
    async def main() -> ScriptedMx:
        async with ScriptedMx(Script(tls_broken=True)) as mx:
            door = connector()
            for _ in range(2):
                conversation = await door.connect(to(mx))
                await conversation.send(transaction_to("a@x.test"), time.monotonic())
            return mx

    mx = asyncio.run(main())
    assert [item.tls for item in mx.delivered] == ["", ""]
    assert mx.verbs.count("STARTTLS") == 1


@pytest.mark.parametrize(
    ("verb", "reply"),
    [
        ("MAIL", "530 5.7.0 Must issue a STARTTLS command first"),
        ("MAIL", "550 5.7.10 Encryption needed"),
        ("RCPT", "550 TLS is required for this recipient"),
        ("FINAL", "550-5.7.29 This message was not sent over\r\n550 5.7.29 a TLS connection"),
    ],
)
def test_a_server_that_demands_the_tls_it_cannot_do_defers(verb: str, reply: str) -> None:
    _, (answers,) = talk(Script(tls_broken=True, replies={verb: reply}), transaction_to(*TWO))
    assert said(answers) == [(451, "4.7.5", Stage[verb])] * 2


@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "550 5.7.1 your address has a bad reputation"])
def test_what_else_a_server_refuses_without_its_tls_stays_refused(reply: str) -> None:
    _, (answers,) = talk(Script(tls_broken=True, replies={"FINAL": reply}), transaction_to("a@x.test"))
    assert answers[0].reply.line() == reply


def test_a_demand_for_tls_of_a_server_that_offers_none_stays_refused() -> None:
    _, (answers,) = talk(Script(replies={"RCPT": "550 TLS is required"}), transaction_to("a@x.test"))
    assert said(answers) == [(550, "", Stage.RCPT)]


@pytest.mark.parametrize("end", [DROP, SILENCE, "this is no reply"])
def test_a_server_that_says_nothing_under_tls_gets_its_mail_in_clear(tls: ssl.SSLContext, end: str) -> None:
    script = Script(tls=tls, replies={"EHLO": [OFFER, end, OFFER]})
    mx, _ = talk(script, transaction_to("a@x.test"), seconds=0.5)
    assert [item.tls for item in mx.delivered] == [""]


@pytest.mark.parametrize("reply", ["421 4.3.2 busy", "554 5.7.1 not you"])
def test_what_a_server_says_under_tls_is_its_word(tls: ssl.SSLContext, reply: str) -> None:
    answer = refused(Script(tls=tls, replies={"EHLO": [OFFER, reply, reply], "HELO": reply}))
    assert answer.reply.line() == reply


def test_a_refused_starttls_is_no_obstacle(tls: ssl.SSLContext) -> None:
    mx, _ = talk(Script(tls=tls, replies={"STARTTLS": "454 4.7.0 not now"}), transaction_to("a@x.test"))
    assert mx.delivered[0].tls == ""


def test_what_is_said_in_clear_behind_starttls_is_not_taken_for_tls(tls: ssl.SSLContext) -> None:
    injected = "220 go ahead\r\n250-mx.test\r\n250 X-INJECTED"
    mx, _ = talk(Script(tls=tls, replies={"STARTTLS": injected}), transaction_to("a@x.test"))
    assert mx.connections == 2
    assert mx.delivered[0].tls == ""


def test_where_certificates_must_fit_one_that_does_not_defers(tls: ssl.SSLContext) -> None:
    async def main() -> Answer:
        async with ScriptedMx(Script(tls=tls)) as mx:
            with pytest.raises(NoServer) as failure:
                await connector(verify_tls=True).connect(to(mx))
            return failure.value.answer

    assert said([asyncio.run(main())]) == [(454, "4.7.5", Stage.EHLO)]


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
