"""Lists of addresses as people bring them: spreadsheets' CSV, other services' exports, and what is no list."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.errors import InvalidInput
from platform_core.mail.states import SuppressionReason
from relay_worker.models import Suppression
from relay_worker.suppressions.lists import MAX_BYTES, BadLines, Line, read_list, write_list

MANUAL, COMPLAINT = SuppressionReason.MANUAL, SuppressionReason.COMPLAINT
ANN = Line("ann@one.example", MANUAL)


def read(text: str) -> list[Line]:
    return read_list(text.encode())[0]


@pytest.mark.parametrize(
    "text",
    [
        "ann@one.example",
        "\ufeffAddress,Reason\r\nAnn@ONE.example,manual\r\n",
        "email\n\n  ann@one.example  \n\n",
        '"ann@one.example","Manual","somebody"\n',
        "E-Mail;reason\nann@one.example;manual\n",
        "ann@one.example,\n",
    ],
)
def test_an_address_a_line_in_the_ways_people_write_it(text: str) -> None:
    assert read(text) == [ANN]


def test_each_line_may_have_its_reason() -> None:
    assert read("a@one.example,complaint\nb@one.example\n") == [
        Line("a@one.example", COMPLAINT),
        Line("b@one.example", MANUAL),
    ]


def test_domains_are_kept_as_acceptance_looks_them_up() -> None:
    assert read("jo@BÜCHER.example") == [Line("jo@xn--bcher-kva.example", MANUAL)]


def test_bad_lines_are_named_by_number_and_nothing_is_taken() -> None:
    with pytest.raises(BadLines) as refused:
        read("address\nann@one.example\nnobody\nbob@one.example,because\n")
    assert [(one.number) for one in refused.value.bad] == [3, 4]
    assert "Line 3: 'nobody' is not an address; line 4: 'because' is none of the reasons" in str(
        refused.value
    )


def test_the_first_of_many_bad_lines_are_named_and_the_others_counted() -> None:
    with pytest.raises(BadLines, match=r"line 20: .*; and 80 more\.$"):
        read("x\n" * 100)


def test_bad_lines_are_left_out_where_that_is_wanted() -> None:
    lines, bad = read_list(b"nobody\nann@one.example\n", skip_bad=True)
    assert lines == [ANN]
    assert [one.number for one in bad] == [1]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"address\n",
        b"\xff\xfe\x00",
        b"a@b.example\0\n",
        b'"a@b.example\n',
        b"x" * (MAX_BYTES + 1),
    ],
)
def test_what_is_no_list_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_list(raw, skip_bad=True)


@given(st.binary(max_size=300))
def test_whatever_is_brought_is_read_or_refused(raw: bytes) -> None:
    try:
        lines, _ = read_list(raw, skip_bad=True)
    except InvalidInput:
        return
    assert all(line.address == line.address.lower() and "@" in line.address for line in lines)


def test_what_was_written_is_read_back() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    kept = [
        Suppression(account_id=1, address=address, reason=COMPLAINT, origin='said "no", twice', created_at=at)
        for address in (
            '"a,b"@one.example',
            "jörg@one.example",
            "=1@one.example",
            "'=1@one.example",
            "'s@one.example",
        )
    ]
    text = "".join(write_list(kept))
    assert text.startswith("address,reason,origin,created_at\r\n")
    assert read(text) == [Line(one.address, COMPLAINT) for one in kept]


@pytest.mark.parametrize("address", ["=cmd|'/ccalc'!a0@one.example", "+1@one.example", "-1+2@one.example"])
def test_no_spreadsheet_takes_an_address_for_a_formula(address: str) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    kept = Suppression(account_id=1, address=address, reason=COMPLAINT, origin="@sum(1)", created_at=at)
    _, line = write_list([kept])
    assert not any(field.strip('"').startswith(("=", "+", "-", "@")) for field in line.split(","))
    assert read(line) == [Line(address, COMPLAINT)]
