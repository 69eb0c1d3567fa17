"""Wordings that no list of replies holds: what says that an address is gone, and what only sounds like it."""

import pytest

from relay_worker.bounces.classes import HARD_CLASSES
from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.classify import classify

GONE = [
    "Address invalid", "Recipient not recognised by this server, no such alias", "mailbox invalid", "BAD_RECIPIENT",
    "rcpt <ann@there.example> doesn't exist here", "sorry, no mail-box by that name", "not registered user",
    "Couldn't find a user of this name", "** No mail box available for this user **", "Recipient unrecognized",
    "Address not present in our database", "delivery error: <ann@there.example> is no longer valid", "<a@b.example> not a valid recipient",
    "mailbox unallocated", "ann wasn't found at there.example", "No ann in name directory",
    "The destination addresses were unknown", "There is no one at this address", "bogus recipient address",
    "This mailbox is not in use", "Unroutable address",
]  # fmt: skip
ABOUT_US = [
    "your email address does not exist", "The address you are sending from does not exist", "originator address is invalid",
    "Backscatter protection detected an invalid email address", "invalid email address in the From field",
    "Account shop not found for SMTP authentication", "authentication failed: user unknown",
    "Your server's address was not found in DNS", "The sending user does not exist",
    "too many nonexistent users from your host", "Directory harvest attack: unknown user limit reached",
    "recipient not found in the allowed recipients", "not a permitted user of this relay",
    "there.example does not recognize ann as one of its valid senders: no such user",
]  # fmt: skip
ABOUT_SOMETHING_ELSE = [
    "an unknown error occurred in mailbox store of user", "invalid permissions on user mailbox", "mailbox server not found",
    "encryption certificate for recipient not found", "User quota not found", "forwarding for this user is disabled",
    "The user has disabled mail from strangers", "the mailbox is closed for maintenance", "message was deleted by user rule",
    "RCPT command not recognized", "Invalid recipient address in header To",
    "Unknown user agent", "The recipient's public key was not found", "RESOLVER.ADR.Ambiguous; address not found",
]  # fmt: skip
PASSING = [
    "recipient address temporarily does not exist", "user unknown, try again later", "no such user at the moment",
    "recipient verification failed: LDAP server not found", "alias expansion failed: user database not found",
    "Recipient address rejected: unverified address: user unknown",
]  # fmt: skip


@pytest.mark.parametrize("text", GONE)
def test_a_gone_address_is_known_by_what_is_said_of_whom(text: str) -> None:
    assert classify(550, "", text) in HARD_CLASSES


@pytest.mark.parametrize("text", [*ABOUT_US, *ABOUT_SOMETHING_ELSE])
def test_something_else_that_does_not_exist_suppresses_nobody(text: str) -> None:
    assert classify(550, "", text) not in HARD_CLASSES


@pytest.mark.parametrize("text", PASSING)
def test_words_of_what_may_pass_outweigh_a_lasting_code(text: str) -> None:
    assert classify(550, "5.1.1", text) not in HARD_CLASSES


def test_a_552_is_hard_only_in_the_words_of_yahoo() -> None:
    assert classify(552, "", "Requested mail action aborted, mailbox not found") is Class.NO_SUCH_ADDRESS
    assert classify(552, "5.1.1", "no such user") not in HARD_CLASSES


def test_outlook_says_mailbox_unavailable_of_addresses_that_it_does_not_have() -> None:
    words = "Requested action not taken: mailbox unavailable"
    assert classify(550, "5.5.0", f"{words} (S2017062302). [BN1.prod.protection.outlook.com]") in HARD_CLASSES
    assert classify(550, "5.5.0", f"{words} (-2019901852:4030:-2147467259)") in HARD_CLASSES  # Hotmail
    assert classify(550, "5.5.0", words) not in HARD_CLASSES
    assert classify(550, "", f"{words} [mx.outlook.com]") not in HARD_CLASSES


def test_what_is_said_of_all_recipients_at_once_makes_none_of_them_gone() -> None:
    assert classify(550, "5.4.1", "All recipient addresses rejected : Access denied") not in HARD_CLASSES


@pytest.mark.parametrize("of", ["in foreign character sets", "from strangers", "over IPv6"])
def test_who_accepts_some_mail_is_no_domain_without_mail(of: str) -> None:
    assert classify(0, "", f"The user does not accept email {of}") not in HARD_CLASSES
    assert classify(0, "", f"The host there.example does not accept mail {of}") not in HARD_CLASSES
    assert classify(0, "", "The host there.example does not accept mail") is Class.NO_SUCH_DOMAIN


def test_a_status_of_the_protocol_goes_with_an_unknown_user() -> None:
    assert classify(553, "5.5.1", "<ann@there.example>... User unknown") is Class.NO_SUCH_ADDRESS
    assert classify(554, "5.5.1", "Error: no valid recipients") not in HARD_CLASSES
