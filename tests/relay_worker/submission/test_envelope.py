"""MAIL and RCPT: addresses and parameters."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from platform_core.mail.addresses import Address, AddressSyntax, parse_address
from relay_worker.submission.envelope import parse_mail, parse_mailbox, parse_rcpt
from relay_worker.submission.replies import Refused

LARGEST = 1000

# Addresses near the line between good and bad: dots, hyphens, quotes and other alphabets in every place.
near_addresses = st.lists(
    st.sampled_from(
        ["a", "B", "9", ".", "-", "@", '"', "\\", "é", "ß", "_", "+", " ", "\n", "x" * 31, "xn--"]
    ),
    max_size=14,
).map("".join)


def outcome(parse: object, text: str) -> Address | str:
    try:
        return parse(text)  # type: ignore[operator,no-any-return]
    except AddressSyntax as error:
        return str(error)


@given(near_addresses | st.text(max_size=80) | st.emails())
@example("a@" + "b" * 63 + ".c")
@example("a@" + "b" * 64 + ".c")
@example("x" * 64 + "@b.c")
@example("x" * 65 + "@b.c")
@example("a@" + ".".join(["b" * 62] * 4))
@example("a@b.c\n")
def test_the_short_way_agrees_with_the_full_one(text: str) -> None:
    assert outcome(parse_mailbox, text) == outcome(parse_address, text)


def mail(argument: str, **changes: bool) -> object:
    return parse_mail(argument, largest=LARGEST, **{"extended": True, **changes})


def refusal_of(argument: str, **changes: bool) -> str:
    with pytest.raises(Refused) as refusal:
        mail(argument, **changes)
    return f"{refusal.value.reply.code} {refusal.value.reply.enhanced}"


@pytest.mark.parametrize(
    "argument",
    [
        "FROM:<a@b.example>",
        "from:<A@B.example>",
        "FROM: <a@b.example>",
        "FROM:<>",
        "FROM:<a@b.example> SIZE=1000",
        "FROM:<a@b.example> BODY=8BITMIME SMTPUTF8",
        "FROM:<a@b.example> body=7bit size=0",
        "FROM:<a@b.example> AUTH=<>",
        "FROM:<a@b.example> AUTH=x+2By@z.example",
        'FROM:<"a > b"@b.example>',
        "FROM:<é@b.example> SMTPUTF8",
    ],
)
def test_a_well_formed_mail_command_is_taken(argument: str) -> None:
    assert mail(argument)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("", "501 5.5.4"),
        ("FROM", "501 5.5.4"),
        ("TO:<a@b.example>", "501 5.5.4"),
        ("FROM:a@b.example", "501 5.5.4"),
        ("FROM:<a@b.example", "501 5.5.4"),
        ("FROM:<a@b.example>SIZE=1", "501 5.5.4"),
        ("FROM:<<a@b.example>>", "501 5.5.4"),
        ("FROM:<a@b.example><c@d.example>", "501 5.5.4"),
        ("FROM:<a>", "553 5.1.7"),
        ("FROM:<a..b@c.example>", "553 5.1.7"),
        ("FROM:<@relay.example:a@b.example>", "553 5.1.7"),
        ("FROM:<a@[127.0.0.1]>", "553 5.1.7"),
        ("FROM:<" + "a" * 65 + "@b.example>", "553 5.1.7"),
        ("FROM:<é@b.example>", "553 5.6.7"),
        ("FROM:<a@bücher.example>", "553 5.6.7"),
        ("FROM:<a@b.example> SIZE=1001", "552 5.3.4"),
        ("FROM:<a@b.example> SIZE=99999999999999999999", "552 5.3.4"),
        ("FROM:<a@b.example> SIZE=x", "501 5.5.4"),
        ("FROM:<a@b.example> SIZE", "501 5.5.4"),
        ("FROM:<a@b.example> SIZE=-1", "501 5.5.4"),
        ("FROM:<a@b.example> SIZE=٣", "501 5.5.4"),
        ("FROM:<a@b.example> SIZE=1 SIZE=1", "501 5.5.4"),
        ("FROM:<a@b.example> BODY=BINARYMIME", "501 5.5.4"),
        ("FROM:<a@b.example> SMTPUTF8=YES", "501 5.5.4"),
        ("FROM:<a@b.example> AUTH", "501 5.5.4"),
        ("FROM:<a@b.example> RET=FULL", "555 5.5.4"),
        ("FROM:<a@b.example> X", "555 5.5.4"),
    ],
)
def test_a_wrong_mail_command_is_refused(argument: str, expected: str) -> None:
    assert refusal_of(argument) == expected


def test_parameters_need_ehlo() -> None:
    assert refusal_of("FROM:<a@b.example> SIZE=1", extended=False) == "555 5.5.4"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("TO:<>", 553),
        ("FROM:<a@b.example>", 501),
        ("TO:a@b.example", 501),
        ("TO:<a b@c.example>", 553),
        ("TO:<a@b.example> NOTIFY=NEVER", 555),
        ("TO:<é@b.example>", 553),
    ],
)
def test_a_wrong_rcpt_command_is_refused(argument: str, expected: int) -> None:
    with pytest.raises(Refused) as refusal:
        parse_rcpt(argument, smtputf8=False)
    assert refusal.value.reply.code == expected


def test_an_international_domain_is_kept_in_a_labels() -> None:
    assert parse_rcpt("TO:<a@Bücher.example>", smtputf8=True) == Address("a", "xn--bcher-kva.example")
