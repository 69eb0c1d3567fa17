"""Reports in the words of servers that write no machine-readable part."""

import base64

import pytest

from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.prose import before_original, read_passages
from relay_worker.bounces.report import Report, ReportKind
from tests.relay_worker.bounces.mails import ORIGINAL, report, written

EXIM = """\
This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ann@there.example
    host mx.there.example [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<ann@there.example>:
    550 5.1.1 No such user here

------ This is a copy of the message, including all the headers. ------

"""
QMAIL = """\
Hi. This is the qmail-send program at mx.there.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ann@there.example>:
Sorry, no mailbox here by that name. (#5.1.1)

<bob@there.example>:
192.0.2.7 does not like recipient.
Remote host said: 552 5.2.2 <bob@there.example>: Mailbox full
Giving up on 192.0.2.7.

--- Below this line is a copy of the message.

"""
POSTFIX = """\
This is the mail system at host mx.there.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<ann@there.example> (expanded from <team@there.example>): host
    mx.inside.example[192.0.2.7] said: 554 5.7.1 Service unavailable; Client
    host [192.0.2.9] blocked using bl.list.example (in reply to RCPT TO command)
"""
SENDMAIL = """\
   ----- The following addresses had permanent fatal errors -----
<ann@there.example>
    (reason: 550 5.1.1 <ann@there.example>... User unknown)

   ----- Transcript of session follows -----
... while talking to mx.there.example.:
>>> DATA
<<< 550 5.1.1 <ann@there.example>... User unknown
"""
OLD_SENDMAIL = """\
   ----- Transcript of session follows -----
550 <ann@there.example>... Host unknown (Name server: there.example: host not found)

   ----- Unsent message follows -----
"""
EXCHANGE = """\
Your message

  To:      ann@there.example
  Subject: Hello

did not reach the following recipient(s):

ann@there.example on Thu, 29 Apr 2010 00:00:00 -0000
    The recipient name is not recognized
        MSEXCH:IMS:THERE:MX 0 (000C05A6) Unknown Recipient
"""
GOOGLE = """\
Delivery to the following recipient failed permanently:

     ann@there.example

Technical details of permanent failure:
Google tried to deliver your message, but it was rejected by the server for the recipient domain there.example.

The error that the other server returned was:
550 5.1.1 <ann@there.example>... User Unknown

----- Original message -----
"""
GOOGLE_RETELLS = """\
** Address not found **

Your message wasn't delivered to ann@there.example because the address couldn't be found. Check for typos.

The response was:

501 5.1.8 Sender address rejected
"""
REASON_FIRST = """\
Your message could not be delivered because of:

    550 5.1.1 User unknown

The following recipients were affected:
    ann@there.example
"""
DRAGONFLY = """\
This is the DragonFly Mail Agent v0.13 at mx.there.example.

There was an error delivering your mail to <ann@there.example>.

DNS lookup failure: host there.example not found

Message headers follow.
"""


def outcomes(report: Report) -> dict[str, Class]:
    return {one.address: one.outcome for one in report.recipients}


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (EXIM, Class.NO_SUCH_ADDRESS),
        (POSTFIX, Class.BLOCK_REPUTATION),
        (SENDMAIL, Class.NO_SUCH_ADDRESS),
        (OLD_SENDMAIL, Class.NO_SUCH_DOMAIN),
        (EXCHANGE, Class.NO_SUCH_ADDRESS),
        (GOOGLE, Class.NO_SUCH_ADDRESS),
        (GOOGLE_RETELLS, Class.SENDER_REFUSED),
        (REASON_FIRST, Class.NO_SUCH_ADDRESS),
        (DRAGONFLY, Class.NO_SUCH_DOMAIN),
    ],
)
def test_the_words_of_a_server_give_address_and_reason(text: str, outcome: Class) -> None:
    assert outcomes(read_report(written(text + ORIGINAL))) == {"ann@there.example": outcome}


def test_several_addresses_keep_their_own_reasons() -> None:
    found = outcomes(read_report(written(QMAIL + ORIGINAL)))
    assert found == {"ann@there.example": Class.NO_SUCH_ADDRESS, "bob@there.example": Class.MAILBOX_FULL}


def test_the_message_id_is_read_from_the_copy_below() -> None:
    assert read_report(written(EXIM + ORIGINAL)).original_message_id == "ours@shop.example"


def test_an_address_that_was_forwarded_is_known_by_both_names() -> None:
    (one,) = read_report(written(POSTFIX)).recipients
    assert (one.address, one.original_address) == ("ann@there.example", "team@there.example")


def test_a_bounce_without_an_address_still_counts() -> None:
    found = read_report(written("Your message could not be delivered: mailbox full.\n"))
    assert (found.kind, outcomes(found)) == (ReportKind.BOUNCE, {"": Class.MAILBOX_FULL})


def test_the_address_may_stand_in_a_field_of_the_mail() -> None:
    raw = written("It failed: mailbox is full\n", extra="X-Failed-Recipients: ann@there.example\n")
    assert outcomes(read_report(raw)) == {"ann@there.example": Class.MAILBOX_FULL}


@pytest.mark.parametrize(
    "words",
    [
        "THIS IS A WARNING MESSAGE ONLY.",
        "The message is delayed for more than 4 hours",
        "We will keep trying.",
    ],
)
def test_a_server_that_still_tries_has_not_failed(words: str) -> None:
    found = read_report(written(f"{words}\n\n<ann@there.example>: User unknown\n"))
    assert (found.kind, any(one.hard for one in found.recipients)) == (ReportKind.DELAYED, False)


@pytest.mark.parametrize(
    ("introduction", "outcome"),
    [
        ("The user(s) account is temporarily over quota.", Class.MAILBOX_FULL),
        ("The user(s) account is temporarily limited.", Class.ADDRESS_SUSPENDED),
        ("Each of the following recipients was rejected by a remote mail server.", Class.NO_SUCH_ADDRESS),
    ],
)
def test_what_the_reporter_says_of_the_mailbox_outweighs_a_reply_that_it_is_gone(
    introduction: str, outcome: Class
) -> None:
    found = read_report(written(f"{introduction}\n\n<ann@there.example>: 550 user unknown\n"))
    assert outcomes(found) == {"ann@there.example": outcome}


def test_a_reason_that_follows_the_address_outweighs_the_label_of_the_address() -> None:
    text = "Invalid address: ann@there.example\n\nReason: the recipient is over disk quota.\n"
    assert outcomes(read_report(written(text))) == {"ann@there.example": Class.MAILBOX_FULL}


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("Unknown user: ann@there.example", "ann@there.example"),
        ("Delivery failed 20 attempts: ann@there.example", "ann@there.example"),
        ("undeliverable to ann@there.example", "ann@there.example"),
        ("Failed to deliver to 'ann@there.example'", "ann@there.example"),
        ("\u6536\u4ef6\u4eba\uff1aann@there.example", "ann@there.example"),
        ("Postmaster contact: help@there.example", ""),
        ("From: news@shop.example", ""),
    ],
)
def test_an_address_at_the_end_of_a_line_is_the_last_resort(line: str, address: str) -> None:
    (one,) = read_report(written(f"It could not be delivered.\n{line}\n")).recipients
    assert one.address == address


def test_text_in_base64_is_read_even_when_it_was_cut_off() -> None:
    encoded = base64.encodebytes(EXIM.encode()).decode()[:-5]
    raw = written(
        encoded, extra="Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8\n"
    )
    assert outcomes(read_report(raw)) == {"ann@there.example": Class.NO_SUCH_ADDRESS}


def test_html_is_read_where_there_is_no_plain_text() -> None:
    html = "<style>p {}</style><p>&lt;ann@there.example&gt;:<br>550 5.1.1 User <b>unknown</b></p>"
    raw = written(html, extra="Content-Type: text/html\n")
    assert outcomes(read_report(raw)) == {"ann@there.example": Class.NO_SUCH_ADDRESS}


def test_a_report_that_was_forwarded_as_text_is_read() -> None:
    inner = written(POSTFIX).decode()
    found = read_report(written(f"The mail below could not be delivered.\n\nReturn-Path: <>\n{inner}"))
    assert outcomes(found) == {"ann@there.example": Class.BLOCK_REPUTATION}


def test_a_report_that_was_attached_to_a_cover_is_read() -> None:
    status = "Final-Recipient: rfc822; ann@there.example\nAction: failed\nStatus: 5.1.1\n"
    head = "Content-Type: multipart/mixed; boundary=outer\n"
    body = f"--outer\nContent-Type: message/rfc822\n\n{report(status).decode()}\n--outer--\n"
    assert outcomes(read_report(written(body, extra=head))) == {"ann@there.example": Class.NO_SUCH_ADDRESS}


def test_our_own_message_that_came_back_under_a_cover_is_no_report() -> None:
    head = "Content-Type: multipart/mixed; boundary=outer\n"
    body = (
        f"--outer\nContent-Type: message/rfc822\n\n{ORIGINAL}<ann@there.example>: user unknown\n--outer--\n"
    )
    assert outcomes(read_report(written(body, extra=head))) == {"": Class.UNKNOWN}


def test_the_original_begins_at_its_marker() -> None:
    own, returned = before_original("It failed.\n--- Below this line is a copy of the message.\nHello\n")
    assert (own, returned.splitlines()[1:]) == ("It failed.", ["Hello"])


def test_an_address_named_twice_is_one_passage() -> None:
    (one,) = read_passages("<ann@there.example>: see below\n\n<ann@there.example>: 550 gone\n")
    assert "see below" in one.near
    assert "550 gone" in one.near
