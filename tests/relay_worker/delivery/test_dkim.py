"""DKIM signatures, with dkimpy as the judge."""

import base64
import re
from collections.abc import Callable

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from relay_worker.delivery.dkim import (
    KeyUnusable,
    SigningKey,
    body_hash,
    canonical_body,
    canonical_value,
    signature_fields,
)
from relay_worker.delivery.draft import split_message
from relay_worker.delivery.steps.line_ends import normalise_line_ends
from tests.relay_worker.delivery.conftest import ed25519_pem, rsa_pem

FIELDS = (
    b"From: Shop <news@shop.test>",
    b"To: you@example.test",
    b"Subject: Hello",
    b"Date: Mon, 02 Nov 2026 12:00:00 +0000",
    b"List-Unsubscribe: <https://shop.test/u/1>",
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
)
Publish = Callable[..., bytes]

# Pieces that mail is odd with: folds, tabs, runs of space, empty lines, 8-bit octets, no end of line at the end.
body_text = st.lists(
    st.sampled_from(
        [b"word", b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b" \r\n", b".", b"\xc3\xa9", b"\x00", b"\xff"]
    )
).map(b"".join)
# dkimpy forgets to trim a last line without its CRLF, which no message on the wire has.
untrimmed = body_text.map(lambda body: body + b"\r\n" if body.endswith((b" ", b"\t")) else body)
value_text = st.lists(
    st.sampled_from([b"word", b" ", b"  ", b"\t", b"\r\n ", b"\r\n\t", b":", b";", b"\xc3\xa9", b'"a  b"'])
).map(b"".join)


def publish(pem: bytes) -> Publish:
    """A DNS that has the key's public half, whatever name is asked for."""
    public = load_pem_private_key(pem, None).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        kind, octets = b"rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind, octets = b"ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    record = b"v=DKIM1; k=" + kind + b"; p=" + base64.b64encode(octets)
    return lambda name, timeout=5: record


def signed(fields: tuple[bytes, ...], body: bytes, pem: bytes) -> bytes:
    key = SigningKey.from_pem("shop.test", "fp1", pem)
    (field,) = signature_fields(fields, body_hash(body), (key,), 1_790_000_000)
    return b"\r\n".join([field, *fields, b"", body])


def signed_names(message: bytes) -> list[str]:
    tag = re.search(rb"h=([^;]+);", message)
    assert tag
    return tag[1].decode().split(":")


@pytest.mark.parametrize("pem", [rsa_pem(), ed25519_pem()], ids=["rsa", "ed25519"])
def test_a_signature_verifies(pem: bytes) -> None:
    assert dkim.verify(signed(FIELDS, b"Hello\r\n", pem), dnsfunc=publish(pem))


@pytest.mark.parametrize("pem", [rsa_pem(), ed25519_pem()], ids=["rsa", "ed25519"])
def test_a_changed_body_does_not_verify(pem: bytes) -> None:
    message = signed(FIELDS, b"Hello\r\n", pem).replace(b"Hello\r\n", b"Hallo\r\n")
    assert not dkim.verify(message, dnsfunc=publish(pem))


@given(untrimmed)
def test_any_body_verifies(body: bytes) -> None:
    assert dkim.verify(signed(FIELDS, body, ed25519_pem()), dnsfunc=publish(ed25519_pem()))


@given(
    st.lists(st.tuples(st.sampled_from([b"To", b"subject", b"Cc", b"REFERENCES", b"X-Other"]), value_text))
)
def test_any_header_fields_verify(pairs: list[tuple[bytes, bytes]]) -> None:
    more = tuple(name + b": a" + value + b"z" for name, value in pairs)
    message = signed((*FIELDS, *more), b"Hello\r\n", ed25519_pem())
    assert dkim.verify(message, dnsfunc=publish(ed25519_pem()))


@given(st.binary(max_size=60))
def test_any_octets_verify_once_their_line_ends_are_normal(octets: bytes) -> None:
    fields, body = split_message(b"From: a@shop.test\r\n\r\n" + normalise_line_ends(octets))
    assert dkim.verify(signed(fields, body, ed25519_pem()), dnsfunc=publish(ed25519_pem()))


@given(untrimmed)
def test_the_canonical_body_is_that_of_dkimpy(body: bytes) -> None:
    assert canonical_body(body) == Relaxed.canonicalize_body(body)


@given(value_text)
def test_a_canonical_value_is_that_of_dkimpy(value: bytes) -> None:
    ((_, expected),) = Relaxed.canonicalize_headers([(b"x", value)])
    assert canonical_value(value) + b"\r\n" == expected


@pytest.mark.parametrize("name", ["From", "Subject", "To", "Date"])
def test_a_second_header_of_the_oversigned_ones_breaks_the_signature(name: str, rsa_key: bytes) -> None:
    message = signed(FIELDS, b"Hello\r\n", rsa_key)
    forged = message.replace(b"\r\nFrom:", b"\r\n" + name.encode() + b": forged\r\nFrom:", 1)
    assert not dkim.verify(forged, dnsfunc=publish(rsa_key))


@pytest.mark.parametrize("name", [b"List-Unsubscribe", b"List-Unsubscribe-Post"])
def test_the_list_headers_are_covered(name: bytes, rsa_key: bytes) -> None:
    message = signed(FIELDS, b"Hello\r\n", rsa_key)
    without = re.sub(rb"\r\n" + name + rb": [^\r]*", b"", message)
    assert without != message
    assert not dkim.verify(without, dnsfunc=publish(rsa_key))


def test_headers_are_named_as_often_as_they_are_and_the_dangerous_once_more(ed25519_key: bytes) -> None:
    names = signed_names(signed((*FIELDS, b"X-Private: 1"), b"", ed25519_key))
    assert [names.count(name) for name in ("from", "subject", "to", "date")] == [2, 2, 2, 2]
    assert (names.count("list-unsubscribe"), names.count("cc"), names.count("x-private")) == (1, 0, 0)


def test_no_line_of_the_signature_is_overlong(rsa_key: bytes) -> None:
    field = signed(FIELDS, b"", rsa_key).split(b"\r\nFrom:")[0]
    assert max(len(line) for line in field.split(b"\r\n")) < 300


def test_two_domains_sign_the_same_and_both_verify(rsa_key: bytes, ed25519_key: bytes) -> None:
    keys = (
        SigningKey.from_pem("shop.test", "a", rsa_key),
        SigningKey.from_pem("agency.test", "b", ed25519_key),
    )
    fields = signature_fields(FIELDS, body_hash(b"Hello\r\n"), keys, 1_790_000_000)
    message = b"\r\n".join([*fields, *FIELDS, b"", b"Hello\r\n"])
    published = {
        b"a._domainkey.shop.test.": publish(rsa_key),
        b"b._domainkey.agency.test.": publish(ed25519_key),
    }
    for n in range(2):
        assert dkim.DKIM(message).verify(n, dnsfunc=lambda name, timeout=5: published[name](name))


def test_a_key_that_dkim_does_not_know_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(KeyUnusable):
        SigningKey.from_pem("shop.test", "fp1", pem)
