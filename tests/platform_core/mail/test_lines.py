"""Lines: every CR and LF in its pair, and dots at their beginning."""

from hypothesis import given
from hypothesis import strategies as st

from platform_core.mail.lines import ends_in_pairs, has_dot_ahead

LINES = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\r\n."]), max_size=8).map(b"".join)


@given(LINES)
def test_lines_end_in_pairs_when_nothing_of_an_end_is_left_without_them(raw: bytes) -> None:
    left = raw.replace(b"\r\n", b"")
    assert ends_in_pairs(raw) == (b"\r" not in left and b"\n" not in left)


@given(LINES)
def test_a_dot_is_ahead_when_a_line_beyond_the_first_begins_with_one(raw: bytes) -> None:
    assert has_dot_ahead(raw) == any(line.startswith(b".") for line in raw.split(b"\r\n")[1:])
