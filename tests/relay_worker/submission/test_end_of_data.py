"""Where a message ends, however its octets arrive, and what may not be in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_worker.submission.data import EndOfData, checked
from relay_worker.submission.replies import BARE_LINE_END, NUL_IN_MESSAGE, Refused

# Lines made of what confuses servers most: dots, and text that looks like commands.
lines = st.lists(
    st.sampled_from([b"", b".", b"..", b".a", b"a.", b"MAIL FROM:<x@y>", b"text \xe9"]), max_size=12
)


def on_the_wire(content: bytes) -> bytes:
    """`content` as a client sends it: dots doubled (RFC 5321 4.5.2), then the end."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return (b"." if content.startswith(b".") else b"") + stuffed + b".\r\n"


@given(lines, st.data())
def test_any_splitting_of_a_message_yields_the_same_octets(text: list[bytes], data: st.DataObject) -> None:
    content = b"".join(line + b"\r\n" for line in text)
    wire = on_the_wire(content) + b"NOOP\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    end, buffer, found = EndOfData(), bytearray(), None
    for start, stop in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        buffer += wire[start:stop]
        found = found or end.find(buffer)
    assert found is not None
    assert checked(bytes(buffer[: found[0]])) == content
    assert bytes(buffer[found[1] :]) == b"NOOP\r\n"


@given(lines, st.data())
def test_a_message_read_through_in_pieces_ends_at_the_same_place(
    text: list[bytes], data: st.DataObject
) -> None:
    wire = on_the_wire(b"".join(line + b"\r\n" for line in text)) + b"NOOP\r\n"
    end, buffer, found = EndOfData(), bytearray(), None
    while found is None:
        size = data.draw(st.integers(1, 9))
        buffer += wire[:size]
        wire = wire[size:]
        found = end.find(buffer)
        if found is None:
            end.forget(buffer)
    assert bytes(buffer[found[1] :]) + wire == b"NOOP\r\n"


@given(lines, st.sampled_from([b"\r", b"\n"]), st.data())
def test_a_bare_cr_or_lf_in_any_place_is_refused(text: list[bytes], bare: bytes, data: st.DataObject) -> None:
    content = b"".join(line + b"\r\n" for line in text)
    at = data.draw(st.integers(0, len(content)))
    before, after = content[at - 1 : at], content[at : at + 1]
    spoilt = content[:at] + bare + content[at:]
    if (bare, after) == (b"\r", b"\n") and before == b"\r":
        return  # CR CR LF from CR LF: caught below by count, but the place is the same as before the pair
    with pytest.raises(Refused) as refusal:
        checked(spoilt)
    assert refusal.value.reply == BARE_LINE_END


def test_cr_cr_lf_is_refused() -> None:
    with pytest.raises(Refused):
        checked(b"text\r\r\n")


def test_nul_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        checked(b"te\0xt\r\n")
    assert refusal.value.reply == NUL_IN_MESSAGE


@pytest.mark.parametrize("end", [b"\n.\r\n", b"\r\n.\n", b"\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n"])
def test_nothing_but_crlf_dot_crlf_ends_a_message(end: bytes) -> None:
    assert EndOfData().find(bytearray(b"text" + end)) is None
