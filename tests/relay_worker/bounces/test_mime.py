"""The reader of parts: what it finds, and where it stops."""

import pytest

from relay_worker.bounces import mime
from relay_worker.bounces.mime import parameter, read_fields, read_mail, readable


def multipart(*bodies: str, boundary: str = "cut") -> bytes:
    parts = "".join(f"--{boundary}\n{body}\n" for body in bodies)
    return (
        f'Content-Type: multipart/mixed; boundary="{boundary}"\n\npreamble\n{parts}--{boundary}--\n'.encode()
    )


def nested(depth: int) -> bytes:
    levels = (f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return ("".join(levels) + "\nat the bottom").encode()


def test_fields_are_unfolded_and_found_in_any_case() -> None:
    fields = read_fields("Subject: one\n two\nno field\nSUBJECT : three\n")
    assert fields.all("subject") == ["one two", "three"]


def test_empty_lines_before_the_first_field_are_passed_over() -> None:
    fields, parts = read_mail(b"\r\n\nSubject: one\n\ntext")
    assert (fields.all("subject"), [part.text for part in parts]) == (["one"], ["text"])


def test_parts_come_in_their_order_with_their_types() -> None:
    _, parts = read_mail(multipart("\nfirst", "Content-Type: Text/HTML\n\n<p>second</p>"))
    assert [(part.media_type, part.text.strip()) for part in parts[:2]] == [
        ("text/plain", "first"),
        ("text/html", "second"),
    ]


def test_a_part_that_begins_with_text_has_no_header() -> None:
    _, parts = read_mail(multipart("Hi. This is the mail program\nat mx.there.example"))
    assert parts[0].text.startswith("Hi.")


def test_a_space_before_a_boundary_is_overlooked() -> None:
    raw = multipart("\nfirst", "\nsecond").replace(b"--cut\n\nsecond", b" --cut\n\nsecond")
    assert [part.text.strip() for part in read_mail(raw)[1]][:2] == ["first", "second"]


def test_a_multipart_without_its_boundary_is_read_as_text() -> None:
    raw = b"Content-Type: multipart/report; boundary=gone\n\n550 user unknown\n"
    assert "user unknown" in read_mail(raw)[1][0].text


def test_nesting_is_followed_to_a_depth_and_no_further() -> None:
    assert read_mail(nested(5))[1][-1].text.strip() == "at the bottom"
    assert "Content-Type" in read_mail(nested(500))[1][-1].text


def test_no_more_parts_are_read_than_the_limit() -> None:
    assert len(read_mail(multipart(*["\nx"] * 500))[1]) == mime.MAX_PARTS


def test_octets_beyond_the_limit_are_not_read() -> None:
    _, (part,) = read_mail(b"Subject: x\n\n" + b"a" * (2 * mime.MAX_OCTETS))
    assert len(part.body) < mime.MAX_OCTETS


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("utf-8", "né".encode(), "né"),
        ("us-ascii", b"n\xe9", "né"),
        ("iso-2022-jp", "ねこ".encode("iso-2022-jp"), "ねこ"),
        ("unicode-1-1-utf-7", b"n+AOk-", "né"),
        ("no-such-charset", b"plain", "plain"),
        ("zlib", b"plain", "plain"),
        ("idna", b"plain", "plain"),
        ("\x00", b"plain", "plain"),
    ],
)
def test_text_is_decoded_by_its_charset_or_a_guess(charset: str, octets: bytes, text: str) -> None:
    raw = f'Content-Type: text/plain; charset="{charset}"\n\n'.encode() + octets
    assert read_mail(raw)[1][0].text == text


def test_an_unclosed_style_hides_the_rest() -> None:
    raw = b"Content-Type: text/html\n\nseen<style>p { user unknown"
    assert read_mail(raw)[1][0].text == "seen"


def test_parameters_are_read_with_and_without_quotes() -> None:
    value = 'multipart/report; Boundary="a; b"; report-type=delivery-status'
    assert (parameter(value, "boundary"), parameter(value, "report-type"), parameter(value, "x")) == (
        "a; b",
        "delivery-status",
        "",
    )


@pytest.mark.parametrize("value", ["plain", "=?utf-8?b?!!!?=", "=?no-such?q?x?=", "=?utf-8?q?unclosed"])
def test_encoded_words_never_raise(value: str) -> None:
    assert isinstance(readable(value), str)


def test_encoded_words_are_decoded() -> None:
    assert readable("=?iso-8859-1?q?Non_remis?= : x").replace("  ", " ") == "Non remis : x"
