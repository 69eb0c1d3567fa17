"""MAIL and RCPT: addresses and parameters."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from platform_core.mail.addresses import Address, AddressSyntax, parse_address
from platform_core.mail.dsn import DsnRequest, Notify
from relay_worker.submission.envelope import (
    RcptCommand,
    Transaction,
    parse_mail,
    parse_mailbox,
    parse_rcpt,
)
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
        ("FROM:<a@b.example> RET=BODY", "501 5.5.4"),
        ("FROM:<a@b.example> RET", "501 5.5.4"),
        ("FROM:<a@b.example> RET=FULL RET=HDRS", "501 5.5.4"),
        ("FROM:<a@b.example> ENVID", "501 5.5.4"),
        ("FROM:<a@b.example> ENVID=+2", "501 5.5.4"),
        ("FROM:<a@b.example> ENVID=+2f", "501 5.5.4"),
        ("FROM:<a@b.example> ENVID=a+0Ab", "501 5.5.4"),
        ("FROM:<a@b.example> ENVID=" + "x" * 101, "501 5.5.4"),
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
        ("TO:<a@b.example> NOTIFY", 501),
        ("TO:<a@b.example> NOTIFY=", 501),
        ("TO:<a@b.example> NOTIFY=SOMETIMES", 501),
        ("TO:<a@b.example> NOTIFY=NEVER,DELAY", 501),
        ("TO:<a@b.example> NOTIFY=DELAY NOTIFY=DELAY", 501),
        ("TO:<a@b.example> ORCPT=a@b.example", 501),
        ("TO:<a@b.example> ORCPT=rfc822;", 501),
        ("TO:<a@b.example> ORCPT=;a@b.example", 501),
        ("TO:<a@b.example> ORCPT=rfc822;a+0D+0A@b.example", 501),
        ("TO:<a@b.example> ORCPT=rfc822;é@b.example", 501),
        ("TO:<a@b.example> ORCPT=utf-8;é@b.example", 501),
        (r"TO:<a@b.example> ORCPT=utf-8;\x{D800}@b.example", 501),
        ("TO:<a@b.example> ORCPT=rfc822;" + "x" * 500, 501),
        ("TO:<a@b.example> BODY=7BIT", 555),
        ("TO:<é@b.example>", 553),
    ],
)
def test_a_wrong_rcpt_command_is_refused(argument: str, expected: int) -> None:
    with pytest.raises(Refused) as refusal:
        parse_rcpt(argument, smtputf8=False)
    assert refusal.value.reply.code == expected


def test_an_international_domain_is_kept_in_a_labels() -> None:
    command = parse_rcpt("TO:<a@Bücher.example>", smtputf8=True)
    assert command == RcptCommand(Address("a", "xn--bcher-kva.example"))


def test_what_is_asked_about_the_message_is_kept_as_given() -> None:
    command = parse_mail("FROM:<a@b.example> ret=hdrs ENVID=QQ+2B1", largest=LARGEST, extended=True)
    assert (command.envelope_id, command.dsn_return) == ("QQ+2B1", "HDRS")


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("NOTIFY=never", "NOTIFY=NEVER"),
        ("NOTIFY=Delay,Success", "NOTIFY=SUCCESS,DELAY"),
        ("ORCPT=rfc822;Bob+2B1@b.example", "ORCPT=rfc822;Bob+2B1@b.example"),
        ("orcpt=RFC822;a@b.example notify=FAILURE", "NOTIFY=FAILURE ORCPT=RFC822;a@b.example"),
        (r"ORCPT=utf-8;\x{E9}@b.example", r"ORCPT=utf-8;\x{E9}@b.example"),
        ("ORCPT=utf-8;é@b.example", r"ORCPT=utf-8;\x{E9}@b.example"),
    ],
)
def test_what_is_asked_for_a_recipient_is_kept_in_ascii(words: str, kept: str) -> None:
    command = parse_rcpt(f"TO:<a@b.example> {words}", smtputf8=True)
    assert command.dsn is not None
    assert command.dsn.words == kept
    assert DsnRequest.parse(kept) == command.dsn


def test_reports_are_asked_for_after_ehlo_only() -> None:
    with pytest.raises(Refused) as refusal:
        parse_rcpt("TO:<a@b.example> NOTIFY=NEVER", smtputf8=False, extended=False)
    assert refusal.value.reply.code == 555


@pytest.mark.parametrize("original", ["", "rfc822;c@d.example"])
def test_a_transaction_that_asks_nothing_has_no_words(original: str) -> None:
    asked = {"c@d.example": DsnRequest(original=original)}
    assert Transaction("a@b.example", rcpt_to={"c@d.example": "c@d.example"}, dsn=asked).rcpt_dsn == ()


def test_once_something_is_asked_every_recipient_is_marked() -> None:
    asked = {"c@d.example": DsnRequest(frozenset({Notify.NEVER}))}
    recipients = {"c@d.example": "C@d.example", "é@f.example": "é@f.example"}
    assert Transaction("a@b.example", rcpt_to=recipients, dsn=asked).rcpt_dsn == (
        "NOTIFY=NEVER ORCPT=rfc822;C@d.example",
        r"ORCPT=utf-8;\x{E9}@f.example",
    )
