"""The receiving mail server of the demo: takes mail from smtplib, keeps it to the octet, checks its signatures."""

import base64
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from platform_core.errors import ServerUnreachable
from platform_dev.authority import LocalAuthority
from platform_dev.nameserver import Nameserver
from platform_dev.sink import Mailbox, MailSink

MESSAGE = b"From: a@example.test\r\nTo: b@example.net\r\nSubject: hello\r\n\r\n.dot first\r\nhello\r\n"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    public = KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with Nameserver() as server:
        record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
        server.records.set("s1._domainkey.example.test", "TXT", record)
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority(tmp_path / "authority")


@pytest.fixture
def sink(tmp_path: Path, nameserver: Nameserver, authority: LocalAuthority) -> Iterator[MailSink]:
    certificate = authority.issue("mx.localhost")
    mailbox = Mailbox(tmp_path / "mail")
    with MailSink(mailbox, certificate=certificate, nameserver=nameserver.address) as server:
        yield server


def send(sink: MailSink, message: bytes, context: ssl.SSLContext | None = None) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port, local_hostname="client.test") as client:
        if context:
            # smtplib checks the certificate against the host that it was given.
            client._host = "mx.localhost"  # type: ignore[attr-defined]
            client.starttls(context=context)
        client.sendmail("bounce@example.test", ["b@example.net", "c@example.net"], message)


def signed(message: bytes, selector: bytes = b"s1") -> bytes:
    pem = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    header = dkim.sign(message, selector, b"example.test", pem, canonicalize=(b"relaxed", b"relaxed"))
    return bytes(header) + message


def test_a_message_is_kept_to_the_octet_with_its_envelope(sink: MailSink) -> None:
    send(sink, MESSAGE)
    (letter,) = sink.mailbox.letters()
    assert sink.mailbox.raw(letter) == MESSAGE
    assert (letter.mail_from, letter.rcpt_to) == ("bounce@example.test", ("b@example.net", "c@example.net"))
    assert (letter.client_helo, letter.tls, letter.size) == ("client.test", "", len(MESSAGE))


def test_starttls_is_offered_and_recorded(sink: MailSink, authority: LocalAuthority) -> None:
    send(sink, MESSAGE, ssl.create_default_context(cafile=str(authority.certificate_path)))
    (letter,) = sink.mailbox.letters()
    assert letter.tls == "TLSv1.3"


def test_a_true_signature_holds(sink: MailSink) -> None:
    send(sink, signed(MESSAGE))
    (letter,) = sink.mailbox.letters()
    assert letter.signed
    assert [(found.domain, found.selector) for found in letter.signatures] == [("example.test", "s1")]


def test_a_changed_message_is_found_out(sink: MailSink) -> None:
    send(sink, signed(MESSAGE).replace(b"hello\r\n\r\n", b"other\r\n\r\n"))
    (letter,) = sink.mailbox.letters()
    assert not letter.signed
    assert letter.signatures[0].problem


def test_a_key_that_is_not_published_is_named_as_the_problem(sink: MailSink) -> None:
    send(sink, signed(MESSAGE, selector=b"s2"))
    (letter,) = sink.mailbox.letters()
    assert not letter.signed
    assert "s2._domainkey.example.test" in letter.signatures[0].problem


def test_every_signature_counts(sink: MailSink) -> None:
    send(sink, signed(signed(MESSAGE), selector=b"s2"))
    (letter,) = sink.mailbox.letters()
    assert [found.valid for found in letter.signatures] == [False, True]
    assert not letter.signed


def test_an_unsigned_message_is_not_called_signed(sink: MailSink) -> None:
    send(sink, MESSAGE)
    (letter,) = sink.mailbox.letters()
    assert (letter.signed, letter.signatures) == (False, ())


def test_letters_come_in_the_order_of_their_arrival(sink: MailSink) -> None:
    for number in range(3):
        send(sink, MESSAGE + b"%d\r\n" % number)
    last_lines = [sink.mailbox.raw(letter).splitlines()[-1] for letter in sink.mailbox.letters()]
    assert last_lines == [b"0", b"1", b"2"]


def test_a_taken_port_is_named(sink: MailSink, tmp_path: Path) -> None:
    with pytest.raises(ServerUnreachable, match=f"Port {sink.port} .* receiving mail server"):
        MailSink(Mailbox(tmp_path / "other"), sink.port).start()
