"""Messages for servers without 8BITMIME or SMTPUTF8: the same content in ASCII, and signatures that hold."""

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_worker.delivery.ascii_headers import encode_field
from relay_worker.delivery.dkim import UNSIGNED, Signing, SigningKey
from relay_worker.delivery.downgrade import fitted
from relay_worker.delivery.draft import split_message
from relay_worker.delivery.extensions import Extensions
from relay_worker.delivery.transaction import Outgoing
from relay_worker.delivery.wire import pack, ready
from tests.relay_worker.delivery.conftest import rsa_pem
from tests.relay_worker.delivery.test_dkim import publish

OLD = Extensions()
MODERN = Extensions(eight_bit_mime=True, smtputf8=True)
HEADER = b"From: a@shop.test\r\nTo: b@x.test\r\nSubject: Hi\r\nMIME-Version: 1.0\r\n"


def packed(raw: bytes, *, smtputf8: bool = False, signing: Signing = UNSIGNED) -> Outgoing:
    fields, body = split_message(raw)
    return pack(fields, ready(body, signing), smtputf8=smtputf8)


def content(message: Outgoing | None) -> bytes:
    assert message is not None
    return message.wire.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")


def said_in_ascii(text: str) -> str | None:
    encoded = encode_field(text.encode())
    assert encoded is None or encoded.isascii()
    return None if encoded is None else encoded.decode("ascii")


def parsed(field: str) -> str:
    return str(email.message_from_string(field + "\n\n", policy=email.policy.SMTPUTF8).items()[0][1])


def mixed() -> bytes:
    """Text, HTML and an attachment, all with octets beyond ASCII, as an 8-bit message."""
    message = EmailMessage(policy=email.policy.SMTP.clone(cte_type="8bit"))
    message["From"], message["To"], message["Subject"] = "a@shop.test", "b@x.test", "Hi"
    message.set_content("Grüße\n.von\n", cte="8bit")
    message.add_alternative("<p>Grüße</p>\n", subtype="html", cte="8bit")
    message.add_attachment("sieben\n", filename="sieben.txt")
    return message.as_bytes().replace(b"sieben.txt", "zwölf.txt".encode())


# --- 8BITMIME ---


def test_a_modern_server_gets_the_very_same_message() -> None:
    message = packed(HEADER + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "Grüße\r\n".encode())
    assert fitted(message, MODERN) is message


def test_an_old_server_gets_an_ascii_message_as_it_is() -> None:
    message = packed(HEADER + b"\r\nHello\r\n")
    assert fitted(message, OLD) is message


@pytest.mark.parametrize(("kind", "encoding"), [("text/plain", "quoted-printable"), ("image/png", "base64")])
def test_an_old_server_gets_the_content_encoded(kind: str, encoding: str) -> None:
    octets = "Grüße =3D\r\n.Ende\r\n".encode()
    raw = HEADER + f"Content-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode() + octets
    sent = content(fitted(packed(raw), OLD))
    message = email.message_from_bytes(sent)
    assert sent.isascii()
    assert message.get_all("Content-Transfer-Encoding") == [encoding]
    assert message.get_payload(decode=True) == octets


def test_each_part_says_the_same_as_before() -> None:
    sent = content(fitted(packed(mixed()), OLD))
    before, after = (email.message_from_bytes(raw, policy=email.policy.SMTP) for raw in (mixed(), sent))
    assert sent.isascii()
    assert [part.get_content() for part in after.walk() if not part.is_multipart()] == [
        part.get_content() for part in before.walk() if not part.is_multipart()
    ]
    assert "zwölf.txt" in [part.get_filename() for part in after.walk()]


def test_what_a_customer_has_signed_is_not_touched() -> None:
    sealed = (
        b'Content-Type: multipart/signed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        + "Grüße\r\n".encode()
        + b"--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
    )
    assert content(fitted(packed(HEADER + sealed), OLD)) == HEADER + sealed


@pytest.mark.parametrize("kind", ["mixed", "signed"])
def test_parts_that_cannot_be_told_apart_are_not_touched(kind: str) -> None:
    body = f'Content-Type: multipart/{kind}; boundary="b"\r\n\r\n--another\r\n\r\nGrüße\r\n'.encode()
    assert content(fitted(packed(HEADER + body), OLD)) == HEADER + body


def test_an_encoding_of_no_known_name_stops_nothing() -> None:
    attached = (
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: ächt\r\n\r\nSubject: Hi\r\n\r\nGrüße\r\n"
    )
    raw = (
        HEADER
        + b"Content-Type: multipart/mixed; boundary=cut\r\n\r\n--cut\r\n"
        + attached.encode()
        + b"--cut--\r\n"
    )
    assert b"Gr=C3=BC=C3=9Fe" in content(fitted(packed(raw), OLD))


def test_the_signature_is_made_over_what_is_sent() -> None:
    signing = Signing((SigningKey.from_pem("shop.test", "fp1", rsa_pem()),), 1_790_000_000)
    message = packed(mixed(), signing=signing)
    for server in (MODERN, OLD):
        sent = content(fitted(message, server))
        assert sent.count(b"DKIM-Signature:") == 1
        assert dkim.verify(sent, dnsfunc=publish(rsa_pem()))


@given(st.binary(max_size=200))
def test_any_octets_survive_in_seven_bits(octets: bytes) -> None:
    body = octets.replace(b"\r", b"").replace(b"\n", b"\r\n").replace(b"\0", b"") + b"\xe9\r\n"
    raw = HEADER + b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body
    message = email.message_from_bytes(content(fitted(packed(raw), OLD)))
    assert message.get_payload(decode=True) == body


# --- SMTPUTF8 ---


def test_a_header_beyond_ascii_is_encoded_for_a_server_without_smtputf8() -> None:
    raw = "From: Jörg <a@shop.test>\r\nTo: b@x.test\r\nSubject: Grüße\r\n\r\nHi\r\n".encode()
    message = packed(raw, smtputf8=True)
    plain = fitted(message, replace(MODERN, smtputf8=False))
    assert plain is not None and not plain.headers_need_smtputf8
    read = email.message_from_bytes(content(plain), policy=email.policy.SMTP)
    assert (read["From"], read["Subject"]) == ("Jörg <a@shop.test>", "Grüße")


def test_an_address_beyond_ascii_in_the_header_has_no_other_form() -> None:
    raw = "From: jörg@shop.test\r\nTo: b@x.test\r\n\r\nHi\r\n".encode()
    assert fitted(packed(raw, smtputf8=True), replace(MODERN, smtputf8=False)) is None


@pytest.mark.parametrize(
    "field",
    [
        "Subject: Grüße aus Österreich, und noch viel mehr, so dass es gefaltet werden muss: äöü",
        "X-Shop: Größe  XL",
        'To: "Müller, Jörg" <a@x.test>, b@x.test',
        "Cc: Team: Jörg <a@x.test>, b@x.test;",
        'Content-Disposition: attachment; filename="Größe.pdf"',
    ],
)
def test_a_field_says_the_same_in_ascii(field: str) -> None:
    encoded = said_in_ascii(field)
    assert encoded is not None
    assert all(len(line) < 200 for line in encoded.split("\r\n"))
    assert parsed(encoded) == parsed(field)


def test_a_domain_beyond_ascii_becomes_a_labels() -> None:
    assert said_in_ascii("Reply-To: Jörg <a@bücher.test>").endswith("<a@xn--bcher-kva.test>")


def test_words_that_are_encoded_already_are_encoded_once() -> None:
    encoded = said_in_ascii("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= für dich")
    assert encoded is not None
    assert parsed(encoded) == "Grüße für dich"


@pytest.mark.parametrize("field", ["Message-ID: <ü@shop.test>", "List-Unsubscribe: <https://ü.test/>"])
def test_what_has_one_form_only_is_not_said_in_another(field: str) -> None:
    assert said_in_ascii(field) is None


def test_octets_that_are_no_text_are_not_guessed() -> None:
    assert encode_field(b"Subject: \xff\xfe") is None


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=80))
def test_any_subject_survives_or_is_refused(text: str) -> None:
    encoded = said_in_ascii(f"Subject: {text}")
    if encoded is not None and not text.isascii() and "=?" not in text:
        assert parsed(encoded) == text.strip()
