"""Reading replies from a remote that may send anything."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.mail.replies import Reply
from relay_worker.delivery.extensions import Extensions, read_extensions
from relay_worker.delivery.replies import MAX_TEXT_CHARACTERS, ReplyMalformed, ReplyReader

STREAM = b"250-mx.test\r\n250-SIZE 100\r\n250 PIPELINING\r\n550 5.1.1 no\r\n354\n221 2.0.0 bye\r\n"
REPLIES = [
    Reply(250, "", "mx.test\nSIZE 100\nPIPELINING"),
    Reply(550, "5.1.1", "no"),
    Reply(354, "", ""),
    Reply(221, "2.0.0", "bye"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_replies_are_the_same_however_the_octets_are_cut(cuts: list[int]) -> None:
    reader, places = ReplyReader(), [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(places)]
    assert [reply for piece in pieces for reply in reader.feed(piece)] == REPLIES
    assert not reader.in_the_middle


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n",
        b"\x16\x03\x01\x02\x00\n",
        b"999 no such code\r\n",
        b"12\r\n",
        b"250ok\r\n",
        b"\r\n",
        b"250-one\r\n251 two\r\n",
        b"x" * 5000,
        b"250 " + b"x" * 5000 + b"\r\n",
        b"250-more\r\n" * 5000,
    ],
)
def test_what_is_no_reply_is_refused(data: bytes) -> None:
    with pytest.raises(ReplyMalformed):
        ReplyReader().feed(data)


@given(st.binary(max_size=300))
def test_garbage_never_does_worse_than_be_refused(data: bytes) -> None:
    try:
        replies = ReplyReader().feed(data)
    except ReplyMalformed:
        return
    assert all(200 <= reply.code < 600 for reply in replies)


def test_control_characters_and_broken_utf8_are_made_harmless() -> None:
    (reply,) = ReplyReader().feed(b"550 a\x00b\x1b[31m \xff Gr\xc3\xbc\xc3\x9fe\r\n")
    assert reply.text == "a?b?[31m \ufffd Grüße"


def test_a_long_text_is_cut() -> None:
    (reply,) = ReplyReader().feed(b"550-" + b"x" * 3000 + b"\r\n550 " + b"y" * 3000 + b"\r\n")
    assert len(reply.text) == MAX_TEXT_CHARACTERS


def test_extensions_are_known_in_any_case_and_with_parameters() -> None:
    offered = read_extensions(
        Reply(250, "", "mx.test\nsize 1000\nPipelining\n8BITMIME\nSMTPUTF8\nSTARTTLS\ndsn\nX")
    )
    assert offered == Extensions(True, True, True, True, True, True, 1000)


@pytest.mark.parametrize("parameter", ["", "0", "-1", "many", "9" * 30, "１２"])  # noqa: RUF001
def test_a_size_that_says_no_limit_is_none(parameter: str) -> None:
    offered = read_extensions(Reply(250, "", f"mx.test\nSIZE {parameter}"))
    assert (offered.size_offered, offered.size) == (True, None)


def test_the_greeting_line_is_not_an_extension() -> None:
    assert read_extensions(Reply(250, "", "PIPELINING")) == Extensions()
