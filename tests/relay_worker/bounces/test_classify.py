"""How codes, words and the stage of a conversation together give a reply its class."""

import pytest

from relay_worker.bounces.classes import HARD_CLASSES
from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.classify import classify, plain
from relay_worker.delivery.transaction import Stage

# Of a reporting server about its own attempt, without a reply of anybody.
OWN_WORDS = [
    ("Unrouteable address", Class.NO_SUCH_ADDRESS),
    ('Unrouteable mail domain "example.com"', Class.NO_SUCH_DOMAIN),
    ("all relevant MX records point to non-existent hosts", Class.NO_SUCH_DOMAIN),
    ("retry timeout exceeded", Class.EXPIRED),
    ("an MX or SRV record indicated no SMTP service", Class.NO_SUCH_DOMAIN),
    ("host lookup did not complete", Class.DNS_TROUBLE),
    (
        "all hosts for 'example.com' have been failing for a long time (and retry time not reached)",
        Class.DNS_TROUBLE,
    ),
    ("error while writing to /var/mail/x: mailbox is full", Class.MAILBOX_FULL),
    ("unknown user: kijitora", Class.NO_SUCH_ADDRESS),
    ("lowest numbered MX record points to local host", Class.LOOP),
    ('Too many "Received" headers - suspected mail loop', Class.LOOP),
    ("Sorry, no mailbox here by that name. vpopmail (#5.1.1)", Class.NO_SUCH_ADDRESS),
    ("user is over quota", Class.MAILBOX_FULL),
    (
        "Sorry. Although I'm listed as a best-preference MX or A for that host, it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)",
        Class.LOOP,
    ),
    ("CNAME lookup failed temporarily. (#4.4.3)", Class.DNS_TROUBLE),
    ("Sorry, I couldn't find any host named example.cc. (#5.1.2)", Class.NO_SUCH_DOMAIN),
    ("This address no longer accepts mail.", Class.ADDRESS_DISABLED),
    (
        "The e-mail account does not exist at the organization this message was sent to. Check the e-mail address, or contact the recipient directly to find out the correct address. <mx.example.com #5.1.1>",
        Class.NO_SUCH_ADDRESS,
    ),
    ("The recipient's mailbox is full or over limit", Class.MAILBOX_FULL),
    ("MSEXCH:IMS:NEKO:CAT:X 0 (000C05A6) Unknown Recipient", Class.NO_SUCH_ADDRESS),
    (
        "You do not have permission to send to this recipient. For assistance, contact your system administrator.",
        Class.RECIPIENT_REFUSED,
    ),
    ("mail for example.com loops back to myself", Class.LOOP),
    ("maildir delivery failed: error writing message: Disk quota exceeded", Class.MAILBOX_FULL),
    ("message size 10485760 exceeds size limit 5242880 of server mx.example.com", Class.MESSAGE_TOO_LARGE),
    ('Command died with status 1: "/usr/bin/procmail"', Class.SERVER_TROUBLE),
    ("User kijitora (kijitora@example.com) not listed in Domino Directory", Class.NO_SUCH_ADDRESS),
    ("User not listed in public Name & Address Book", Class.NO_SUCH_ADDRESS),
    ("Router: Failed to connect to SMTP host mx.example.com", Class.UNREACHABLE),
    ("No route found to domain example.com from server NEKO", Class.DNS_TROUBLE),
    ("Unknown user: kijitora@example.com", Class.NO_SUCH_ADDRESS),
    ("The user(s) account is disabled.", Class.ADDRESS_DISABLED),
    ("As their mailbox is full.", Class.MAILBOX_FULL),
    ("Destination seem to reject all mails", Class.RECIPIENT_REFUSED),
    ("Network error on destination MXs", Class.UNREACHABLE),
]


@pytest.mark.parametrize(("text", "outcome"), OWN_WORDS)
def test_a_server_s_own_words_have_a_class(text: str, outcome: Class) -> None:
    assert classify(0, "", text) is outcome


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.MAIL])
def test_what_is_said_before_the_recipient_is_named_is_never_hard(stage: Stage) -> None:
    assert classify(550, "5.1.1", "no such user", stage=stage) not in HARD_CLASSES


@pytest.mark.parametrize(("code", "enhanced"), [(450, "4.1.1"), (451, ""), (0, "4.1.1"), (554, "4.4.7")])
def test_what_may_pass_is_never_hard(code: int, enhanced: str) -> None:
    assert classify(code, enhanced, "user unknown") not in HARD_CLASSES


@pytest.mark.parametrize("enhanced", ["5.6.0", "5.7.606", "5.3.4", "5.2.2"])
def test_words_of_a_gone_address_beside_another_code_are_not_hard(enhanced: str) -> None:
    assert classify(550, enhanced, "user unknown") not in HARD_CLASSES


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", Class.ADDRESS_DISABLED),
        ("Inactive.", Class.ADDRESS_DISABLED),
        ("<ann@there.example>: mailbox unavailable", Class.ADDRESS_DISABLED),
        ("mailbox unavailable. We take nothing from here.", Class.ADDRESS_SUSPENDED),
        ("Mailbox unavailable. Your IP address is blacklisted.", Class.BLOCK_REPUTATION),
        ("The nice words of somebody", Class.ADDRESS_SUSPENDED),
    ],
)
def test_a_disabled_mailbox_is_believed_where_nothing_else_is_said(text: str, outcome: Class) -> None:
    assert classify(550, "5.2.1", text) is outcome


@pytest.mark.parametrize("enhanced", ["5.7.0", "5.7.1", "5.7.17"])
@pytest.mark.parametrize(
    ("text", "is_hard"),
    [
        ("<ann@there.example>: User unknown", True),
        ("sorry, no mailbox here by that name (#5.7.17)", True),
        ("User unknown, see your administrator", False),
        ("User unknown. Message not accepted", False),
        ("This account has been disabled", False),
    ],
)
def test_a_code_of_security_goes_with_a_gone_address_only_where_nothing_else_is_said(
    enhanced: str, text: str, is_hard: bool
) -> None:
    assert (classify(550, enhanced, text) in HARD_CLASSES) is is_hard


@pytest.mark.parametrize(
    ("enhanced", "text", "outcome"),
    [
        ("5.0.0", "(#5.1.1)", Class.NO_SUCH_ADDRESS),
        ("", "rejected: 5.7.26 see our site", Class.AUTHENTICATION),
        ("5.1.1", "4.7.1 was said before", Class.NO_SUCH_ADDRESS),
        ("5.0.0", "4.1.1 was said before", Class.UNKNOWN),
    ],
)
def test_a_more_exact_code_in_the_text_is_believed(enhanced: str, text: str, outcome: Class) -> None:
    assert classify(0, enhanced, text) is outcome


def test_a_remote_that_knows_no_such_domain_may_mean_ours() -> None:
    assert classify(550, "", "domain does not exist") is Class.RECIPIENT_REFUSED
    assert classify(550, "5.1.2", "domain does not exist") is Class.NO_SUCH_DOMAIN
    assert classify(0, "", "domain does not exist") is Class.NO_SUCH_DOMAIN


def test_the_words_in_addresses_and_links_mean_nothing() -> None:
    text = "<spam.blocked@quota.example> refused, see https://there.example/blocklist/virus#dmarc"
    assert plain(text) == "<> refused, see there.example"
    assert plain("550 mailbox_full") == "550 mailbox full"


def test_codes_repeated_within_a_text_do_not_part_its_words() -> None:
    assert (
        classify(550, "5.7.1", "Messages with multiple 550 5.7.1 addresses in From:") is Class.CONTENT_REFUSED
    )


def test_a_2xx_is_a_delivery_whatever_it_says() -> None:
    assert classify(250, "2.0.0", "queued, mailbox full of joy") is Class.DELIVERED


def test_nothing_said_is_unknown() -> None:
    assert classify(0, "", "") is Class.UNKNOWN
    assert classify(550, "5.0.0", "") is Class.UNKNOWN
