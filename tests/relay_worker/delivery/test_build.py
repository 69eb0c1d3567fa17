"""Building: from the accepted message to the one on the wire."""

import email
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.clock import StoppedClock
from platform_core.security import Seal
from relay_worker.delivery.build import Builder, Built
from relay_worker.delivery.draft import split_message
from relay_worker.delivery.keys import KeyRing
from relay_worker.delivery.marks import Marks
from relay_worker.delivery.steps.line_length import has_overlong_line
from relay_worker.queue.claims import Claimed
from tests.relay_worker.delivery.factories import NOW, RAW, SENDER, recipient

SECRET = "a secret of the tests, which is long enough"
MARKS = Marks.from_secret(SECRET)
PATHS = MARKS.return_paths


def build(raw: bytes = RAW, claimed: Claimed | None = None, **sender: object) -> Built:
    return build_for([claimed or recipient()], raw, **sender)[0]


def build_for(recipients: list[Claimed], raw: bytes = RAW, **sender: object) -> list[Built]:
    builder = Builder(KeyRing(Seal(SECRET)), MARKS, StoppedClock(NOW))
    return [built for built, _ in builder.build_all(recipients, replace(SENDER, **sender), raw)]


def whole(built: Built) -> bytes:
    """The message as a server keeps it: without the stuffing and the final dot."""
    lines = built.message.wire.split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    return b"\r\n".join([line[1:] if line.startswith(b".") else line for line in lines[:-2]] + [b""])


def content(built: Built) -> bytes:
    """The same without the marks that every message gets."""
    return re.sub(rb"(?m)^(?:Feedback-ID|X-Report-ID): [^\r]*\r\n", b"", whole(built))


def test_a_message_in_order_goes_out_as_it_came() -> None:
    assert content(build()) == RAW


def test_the_size_is_that_of_the_message_without_stuffing() -> None:
    built = build()
    assert built.message.size == len(whole(built))


def test_bare_line_ends_become_whole_ones() -> None:
    built = build(b"From: a@shop.test\nDate: x\rMessage-ID: <1@x>\r\n\nbody\n.\nmore")
    assert content(built) == b"From: a@shop.test\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n.\r\nmore\r\n"


@given(st.lists(st.sampled_from([b"a", b".", b"\r", b"\n", b"\r\n", b"..", b"\r\n.\r\n"])).map(b"".join))
def test_no_message_can_end_itself_early(body: bytes) -> None:
    wire = build(b"From: a@shop.test\r\n\r\n" + body).message.wire
    assert wire.index(b"\r\n.\r\n") == len(wire) - 5
    assert wire.count(b"\n") == wire.count(b"\r") == wire.count(b"\r\n")


def test_date_and_message_id_are_added_where_missing_and_the_same_at_every_attempt() -> None:
    claimed = recipient()
    raw = b"From: a@shop.test\r\n\r\nHi\r\n"
    first, second = (
        content(
            next(
                Builder(KeyRing(Seal(SECRET)), MARKS, StoppedClock(NOW + timedelta(hours=hours))).build_all(
                    [claimed], SENDER, raw
                )
            )[0]
        )
        for hours in (1, 5)
    )
    assert b"Date: Mon, 02 Nov 2026 12:00:00 +0000\r\n" in first
    assert b"Message-ID: <%b@shop.test>\r\n" % str(claimed.message_id).encode() in first
    assert first == second


@pytest.mark.parametrize("field", [b"Bcc: secret@x.test", b"Return-Path: <a@b.test>", b"BCC : x@y.test"])
def test_what_is_for_us_alone_does_not_leave(field: bytes) -> None:
    assert content(build(field + b"\r\n" + RAW)) == RAW


def test_the_envelope_sender_names_message_and_recipient() -> None:
    claimed = recipient()
    local, _, host = build(claimed=claimed).mail_from(7).rpartition("@")
    assert (PATHS.read(local), host) == ((claimed.message_id, 7), "bounce.shop.test")


def test_the_null_sender_stays() -> None:
    assert build(claimed=recipient(mail_from="")).mail_from(0) == ""


def test_without_a_host_for_bounces_the_sender_stays() -> None:
    assert build(return_path_host="").mail_from(0) == "news@shop.test"


def test_without_a_key_the_message_goes_unsigned() -> None:
    assert b"DKIM-Signature" not in content(build(sealed_key=None))


def test_the_signature_stands_on_top(rsa_key: bytes) -> None:
    built = build(sealed_key=Seal(SECRET).seal(rsa_key))
    assert content(built).startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")
    assert content(built).endswith(RAW)


def test_a_rotated_key_is_used_at_once(rsa_key: bytes, ed25519_key: bytes) -> None:
    builder = Builder(KeyRing(Seal(SECRET)), MARKS, StoppedClock(NOW))
    for pem, algorithm in ((rsa_key, b"a=rsa-sha256"), (ed25519_key, b"a=ed25519-sha256")):
        sender = replace(SENDER, sealed_key=Seal(SECRET).seal(pem))
        ((built, _),) = builder.build_all([recipient()], sender, RAW)
        assert algorithm in built.message.wire


def test_eight_bit_bodies_are_known_as_such() -> None:
    assert not build().message.body_8bit
    assert build(RAW + "Grüße\r\n".encode()).message.body_8bit


def test_international_headers_need_smtputf8_only_when_they_were_submitted_so() -> None:
    raw = b"X-Name: " + "Grüße\r\n".encode() + RAW
    assert build(raw, recipient(smtputf8=True)).message.headers_need_smtputf8
    assert not build(raw, recipient(smtputf8=False)).message.headers_need_smtputf8
    assert not build(RAW, recipient(smtputf8=True)).message.headers_need_smtputf8


def test_an_overlong_line_of_text_is_encoded_and_its_content_kept() -> None:
    long = b"=" + b"word " * 400 + "Grüße".encode()
    raw = b"From: a@shop.test\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nshort\r\n" + long + b"\r\n"
    sent = content(build(raw))
    assert not has_overlong_line(sent)
    assert email.message_from_bytes(sent).get_payload(decode=True) == b"short\r\n" + long + b"\r\n"


def test_what_was_encoded_says_that_it_is_mime(rsa_key: bytes) -> None:
    raw = b"From: a@shop.test\r\n\r\n" + b"word " * 400 + b"\r\n"
    sent = content(build(raw, sealed_key=Seal(SECRET).seal(rsa_key)))
    message = email.message_from_bytes(sent)
    assert message.get_all("Content-Transfer-Encoding") == ["quoted-printable"]
    assert message.get_all("MIME-Version") == ["1.0"]
    assert "mime-version" in message["DKIM-Signature"]


@pytest.mark.parametrize("charset", ["utf-8", "koi8-r", "big5", "x-unknown"])
def test_a_line_is_overlong_by_its_octets_not_its_characters(charset: str) -> None:
    octets = {"koi8-r": "я".encode("koi8-r") * 1000, "big5": "中".encode("big5") * 600}
    line = octets.get(charset, "я".encode() * 600) + b"\r\n"
    raw = f"From: a@shop.test\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset={charset}\r\n\r\n"
    sent = content(build(raw.encode() + line))
    assert not has_overlong_line(sent)
    assert email.message_from_bytes(sent).get_payload(decode=True) == line


def test_only_the_part_with_the_overlong_line_is_touched() -> None:
    parts = (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
        b"Content-Type: text/plain\r\n\r\nkept  as it is \r\n--b\r\n"
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    raw = b"From: a@shop.test\r\n" + parts + b"QUJD" * 600 + b"\r\n--b--\r\n"
    sent = content(build(raw))
    assert b"Content-Type: text/plain\r\n\r\nkept  as it is \r\n--b\r\n" in sent
    assert b"QUJDQUJD" in sent
    assert not has_overlong_line(sent)


@pytest.mark.parametrize("length", [10, 600])
def test_a_message_whose_parts_cannot_be_told_apart_goes_as_it_came(length: int) -> None:
    header = b'From: a@shop.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    body = (
        b"--b\r\n\r\n" + b"word " * 400 + b"\r\n"
        b'--b\r\nContent-Type: multipart/alternative; boundary="c"\r\n\r\n'
        b"--another\r\n\r\n" + "ü".encode() * length + b"\r\n--b--\r\n"
    )
    assert content(build(header + body)).endswith(b"\r\n\r\n" + body)


def test_an_overlong_header_is_folded_at_white_space() -> None:
    field = b"References: " + b" ".join(b"<%d@shop.test>" % n for n in range(200))
    sent = content(build(field + b"\r\n" + RAW))
    assert not has_overlong_line(sent)
    fields, _ = split_message(sent)
    assert fields[0].replace(b"\r\n", b"") == field


@given(st.lists(st.integers(0, 2100), max_size=6))
def test_overlong_lines_are_seen_wherever_they_are(lengths: list[int]) -> None:
    text = b"\r\n".join(b"x" * length for length in lengths)
    assert has_overlong_line(text) == any(length > 998 for length in lengths)


def test_signing_takes_the_time_of_the_attempt(rsa_key: bytes) -> None:
    clock = StoppedClock(NOW + timedelta(hours=1))
    builder = Builder(KeyRing(Seal(SECRET)), MARKS, clock)
    sender = replace(SENDER, sealed_key=Seal(SECRET).seal(rsa_key))
    stamp = int(clock.now().timestamp())
    ((built, _),) = builder.build_all([recipient()], sender, RAW)
    assert b"t=%d;" % stamp in built.message.wire
