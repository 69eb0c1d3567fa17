"""The look over a header, and the one address of From."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_worker.submission.header_from import mailbox_of_from
from relay_worker.submission.headers import MAX_HEADER_BYTES, cut_out, decode_text, scan
from relay_worker.submission.replies import HEADER_MALFORMED, HEADER_TOO_LARGE, ONE_FROM_WANTED, Refused


def test_the_header_ends_at_the_first_empty_line() -> None:
    header = scan(b"From: a@b.example\r\n\r\nFrom: c@d.example\r\nBcc: x@y.example\r\n")
    assert (header.from_values, header.cut) == ([b" a@b.example"], [])


def test_white_space_before_the_colon_hides_no_second_from() -> None:
    header = scan(b"From: a@b.example\r\nFROM \t: c@d.example\r\n\r\n")
    assert len(header.from_values) == 2


def test_a_message_may_be_header_alone() -> None:
    assert scan(b"From: a@b.example\r\nDate: today\r\n").has_date


@pytest.mark.parametrize(
    "header",
    [
        b"From a@b.example Sat Nov 21\r\n",
        b" folded first\r\n",
        b"No colon\r\n",
        b"Na me: x\r\n",
        b"\xe9: x\r\n",
        b": x\r\n",
    ],
)
def test_a_line_that_is_no_field_is_refused(header: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        scan(b"Subject: x\r\n" * (not header.startswith(b" ")) + header + b"From: a@b.example\r\n\r\n")
    assert refusal.value.reply == HEADER_MALFORMED


def test_a_header_over_256_kb_is_refused_and_a_body_is_not() -> None:
    long = b"X: " + b"y" * MAX_HEADER_BYTES + b"\r\n"
    with pytest.raises(Refused) as refusal:
        scan(long + b"\r\n")
    assert refusal.value.reply == HEADER_TOO_LARGE
    assert scan(b"X: y\r\n\r\n" + long).end == 6


@pytest.mark.parametrize("line", [b"x" * 250_000, b"x" * 250_000 + b"\r\n", b"a:\r\n" * 60_000 + b"x\r\n"])
def test_a_hostile_header_is_looked_at_once(line: bytes) -> None:
    with pytest.raises(Refused):
        scan(line + b"\r\n\r\n")


def test_bcc_is_cut_with_its_folded_lines() -> None:
    content = b"Bcc: a@b.example,\r\n c@d.example\r\nTo: x@y.example\r\nresent-bcc: q@r.example\r\n\r\nBcc: stays\r\n"
    assert cut_out(content, scan(content).cut) == b"To: x@y.example\r\n\r\nBcc: stays\r\n"


def test_hops_are_the_received_fields_of_the_header() -> None:
    assert scan(b"Received: x\r\nreceived: y\r\n\r\nReceived: z\r\n").received == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b" Hello", "Hello"),
        (b" =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b" =?utf-8?b?R3LDvMOfZQ==?=\r\n =?utf-8?q?_an_alle?=", "Grüße an alle"),
        (b" a\r\n folded line", "a folded line"),
        (b" =?utf-8?q?nul=00inside?=", "nul inside"),
        (b" =?no-such-charset?q?x?=", "=?no-such-charset?q?x?="),
        (b" raw \xc3\xa9 and \xff", "raw é and \ufffd"),
        (b" " + b"x" * 9000, "x" * 500),
    ],
)
def test_a_subject_is_decoded_for_people(value: bytes, text: str) -> None:
    assert decode_text(value) == text


@given(st.binary(max_size=200))
def test_any_subject_can_be_stored_as_text(value: bytes) -> None:
    text = decode_text(b"=?utf-8?b?" + value + b"?= =?utf-7?q?" + value + b"?=")
    assert "\0" not in text
    text.encode("utf-8")


@pytest.mark.parametrize(
    "value",
    [
        "me@example.org",
        "<me@example.org>",
        "Anna Q. Public <me@example.org>",
        '"Public, Anna" <me@example.org>',
        '"other@example.net" <me@example.org>',
        "=?utf-8?q?Gr=C3=BC=C3=9Fe?= <me@example.org>",
        "Jürgen <me@example.org>",
        "me@example.org (Anna)",
        r'"An\"na" <me@example.org>',
        "Anna\r\n <me@example.org>",
        "me@EXAMPLE.org",
    ],
)
def test_one_mailbox_is_found(value: str) -> None:
    assert str(mailbox_of_from([b" " + value.encode()])) == "me@example.org"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Anna",
        "me@example.org, you@example.net",
        "me@example.org you@example.net",
        "<me@example.org> <you@example.net>",
        "Friends: me@example.org;",
        "Friends:;",
        "me@example.org)you@example.net",
        "me@example.org\\@you.example.net",
        "<me@example.org>you@example.net",
        "<@you.example.net:me@example.org>",
        "you@example.net <me@example.org>",
        "me@[127.0.0.1]",
        "me@example.org" + " (x)" * 1000,
        "(" * 500,
    ],
)
def test_a_from_that_is_not_one_mailbox_is_refused(value: str) -> None:
    with pytest.raises(Refused) as refusal:
        mailbox_of_from([b" " + value.encode()])
    assert refusal.value.reply == ONE_FROM_WANTED


@pytest.mark.parametrize("values", [[], [b" me@example.org", b" me@example.org"]])
def test_there_must_be_exactly_one_from(values: list[bytes]) -> None:
    with pytest.raises(Refused) as refusal:
        mailbox_of_from(values)
    assert refusal.value.reply == ONE_FROM_WANTED


@given(st.lists(st.sampled_from([*'<>@.,;:()"\\ab \t=?é', "me@example.org"]), max_size=12))
def test_an_odd_from_is_refused_or_understood_and_never_a_fault(parts: list[str]) -> None:
    try:
        mailbox_of_from(["".join(parts).encode()])
    except Refused as refusal:
        assert refusal.reply == ONE_FROM_WANTED
